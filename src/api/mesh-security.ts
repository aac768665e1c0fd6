/** Sections `security` and `rateLimits` of MeshConfig: what holds for the whole mesh, and what policies may rely on. */
import type { Issue } from "../kernel/index.ts";
import { dnsLabel, objectName, type TextFormat } from "./formats.ts";
import { timeSpan } from "./measures.ts";
import { backendFields, checkBackendPort } from "./references.ts";
import { flag, integer, list, object, oneOf, optional, text, type ValueOf } from "./schema.ts";

/** Meshes that were merged or moved; each makes every comparison of identities longer. */
const maxAliases = 16;
/** A CDN, a load balancer, another; a chain is read for each request. */
const maxTrustedHops = 16;
/** Redis has 16 databases unless told otherwise. */
const maxDatabase = 65_535;

const trustDomain: TextFormat = {
  min: 1,
  max: 255,
  pattern: "^[a-z0-9][a-z0-9._-]*$",
  expected: "a trust domain such as 1f2e3d4c.weft",
};
const keyPrefix: TextFormat = {
  min: 0,
  max: 64,
  pattern: "^[A-Za-z0-9:_.-]*$",
  expected: "letters, digits, ':', '_', '.' and '-', such as weft:",
};
const meshNamespace = "weft-system";

export const securitySchema = object(
  "Identity and access.",
  {
    defaultAuthorization: oneOf(
      "What becomes of a request for which no policy allows anything.",
      ["Allow", "Deny"],
      {
        default: "Allow",
      },
    ),
    authorizationLevels: oneOf(
      "How Allow policies of several levels (mesh, namespace, workload, route) combine. Tighten: each level that has some must allow. Unite: one that allows is enough.",
      ["Tighten", "Unite"],
      { default: "Tighten" },
    ),
    namespacesMayLoosen: flag(
      "A nearer AuthenticationPolicy may be looser than a farther one; else what it says has no effect.",
      { default: false },
    ),
    trustDomainAliases: list(
      "Other trust domains whose identities are this mesh's.",
      text("A trust domain.", trustDomain),
      { max: maxAliases, unique: true, default: [] },
    ),
    explainDenials: flag("A refused caller is told the name of the policy too.", { default: false }),
    trustedHops: integer(
      "So many proxies stand in front of gateways and append to x-forwarded-for: what they say of clients is believed. 0: whatever clients say of their origin is replaced.",
      0,
      maxTrustedHops,
      { default: 0 },
    ),
    minPeerTls: oneOf("The oldest version of TLS between proxies.", ["1.3", "1.2"], { default: "1.3" }),
  },
  { default: {} },
);

const redisSchema = object("Where limits of scope Global are counted.", {
  backendRef: object("A Service or ExternalService that speaks Redis' protocol, and its port.", {
    ...backendFields,
    namespace: text("Its namespace.", dnsLabel, { default: meshNamespace }),
  }),
  secretRef: optional(
    object("A Secret with the keys username and password; username may be missing.", {
      name: text("Name of the Secret.", objectName),
      namespace: text("Its namespace.", dnsLabel, { default: meshNamespace }),
    }),
  ),
  database: integer("Number of the database.", 0, maxDatabase, { default: 0 }),
  timeout: timeSpan(
    "How long an answer is waited for; then a proxy counts by itself.",
    { min: "1ms", max: "10s" },
    { default: "100ms" },
  ),
  keyPrefix: text("Stands before every key.", keyPrefix, { default: "weft:" }),
});

export const rateLimitsSchema = object(
  "What limits of rate rely on.",
  { redis: optional(redisSchema) },
  { default: {} },
);

export function checkRateLimits({ redis }: ValueOf<typeof rateLimitsSchema>): Issue[] {
  return redis === undefined ? [] : checkBackendPort(redis.backendRef, "spec.rateLimits.redis.backendRef");
}
