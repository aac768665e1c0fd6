/** Section `jwt` of an AuthenticationPolicy: whose tokens are taken, where they are looked for and what becomes of their claims. */
import type { Issue } from "../kernel/index.ts";
import { cookieName, dnsLabel, headerName, queryName, type TextFormat } from "./formats.ts";
import { isRecord } from "./plain-json.ts";
import { timeSpan } from "./measures.ts";
import { flag, list, object, oneOf, optional, text, type ValueOf } from "./schema.ts";

const maxProviders = 16;
const maxAudiences = 64;
const maxLocations = 8;
const maxClaims = 32;
const maxClaimDepth = 8;
/** A set of a hundred RSA keys has 50 KB. */
const maxKeySetLength = 131_072;

const anyLine: TextFormat = {
  min: 1,
  max: 2048,
  pattern: "^[!-~]+$",
  expected: "a URL or name without spaces",
};
const url: TextFormat = {
  min: 8,
  max: 2048,
  pattern: "^https?://[!-~]+$",
  expected: "a URL such as https://issuer.example.com/keys",
};
const claimName: TextFormat = { min: 1, max: 256 };
/** Any text that a header may have before its token. */
const prefix: TextFormat = {
  min: 0,
  max: 64,
  pattern: "^[ -~]*$",
  expected: "printable ASCII such as 'Bearer '",
};

export const claimPathSchema = list(
  "Path of the claim: its name, or names from the outside in.",
  text("A name.", claimName),
  { min: 1, max: maxClaimDepth },
);

const providerSchema = object("An issuer of tokens.", {
  name: text("What logs and status call it.", dnsLabel),
  issuer: text("Claim iss of its tokens. One policy names an issuer once.", anyLine),
  audiences: optional(
    list("A token must be for any of them; not looked at where absent.", text("An audience.", anyLine), {
      min: 1,
      max: maxAudiences,
      unique: true,
    }),
  ),
  jwks: optional(
    text("Its public keys, as the JSON of a JWK Set (RFC 7517). Either this or jwksUri.", {
      min: 2,
      max: maxKeySetLength,
    }),
  ),
  jwksUri: optional(
    text("Where the control plane fetches its keys. Until it has them, every token is refused.", url),
  ),
  algorithms: list(
    "Algorithms that signatures may have.",
    oneOf("An algorithm (RFC 7518, RFC 8037).", [
      "RS256",
      "RS384",
      "RS512",
      "PS256",
      "PS384",
      "PS512",
      "ES256",
      "ES384",
      "ES512",
      "EdDSA",
    ]),
    { min: 1, max: 10, unique: true, default: ["RS256", "ES256"] },
  ),
  clockSkew: timeSpan(
    "How far its clock may be from ours.",
    { min: "1s", max: "10m", zero: "not at all" },
    { default: "1m" },
  ),
  locations: optional(
    list(
      "Where tokens are looked for, in this order; header authorization with prefix 'Bearer ' where absent.",
      object("A place. Exactly one of header, queryParameter and cookie.", {
        header: optional(text("Name of a header.", headerName)),
        prefix: optional(text("Of a header: what stands before the token.", prefix)),
        queryParameter: optional(text("Name of a query parameter.", queryName)),
        cookie: optional(text("Name of a cookie.", cookieName)),
      }),
      { min: 1, max: maxLocations },
    ),
  ),
  claimHeaders: optional(
    list(
      "Claims that the application gets as headers. What clients send under these names is removed.",
      object("A header.", { header: text("Its name.", headerName), claim: claimPathSchema }),
      { min: 1, max: maxClaims },
    ),
  ),
  payloadHeader: optional(text("Header that gets the token's payload in base64url.", headerName)),
  forwardToken: flag("The token goes on to the application.", { default: false }),
  maxAge: optional(
    timeSpan("The longest life (exp less iat) that a token may claim.", { min: "1s", max: "9600h" }),
  ),
});
type Provider = ValueOf<typeof providerSchema>;

export const jwtSchema = object("Tokens (RFC 7519). An invalid one is always refused.", {
  required: flag("Without a valid token nothing comes in.", { default: false }),
  providers: list("Issuers whose tokens are taken.", providerSchema, { min: 1, max: maxProviders }),
});
type Jwt = ValueOf<typeof jwtSchema>;

export function checkJwt({ providers }: Jwt, path: string): Issue[] {
  return [
    ...repeated(providers, "name", `${path}.providers`),
    ...repeated(providers, "issuer", `${path}.providers`),
    ...providers.flatMap((provider, index) => checkProvider(provider, `${path}.providers[${index}]`)),
  ];
}

function repeated(providers: readonly Provider[], field: "name" | "issuer", path: string): Issue[] {
  const seen = new Set<string>();
  return providers.flatMap((provider, index) => {
    if (seen.has(provider[field])) {
      return [{ path: `${path}[${index}].${field}`, message: `${provider[field]} is listed twice` }];
    }
    seen.add(provider[field]);
    return [];
  });
}

function checkProvider({ jwks, jwksUri, locations = [], ...provider }: Provider, path: string): Issue[] {
  const issues: Issue[] = [];
  if ((jwks === undefined) === (jwksUri === undefined)) {
    issues.push({ path, message: "must have exactly one of jwks, jwksUri" });
  }
  if (jwks !== undefined) issues.push(...checkKeySet(jwks, `${path}.jwks`));
  for (const [index, { header, prefix: before, queryParameter, cookie }] of locations.entries()) {
    const given = [header, queryParameter, cookie].filter((place) => place !== undefined);
    if (given.length !== 1) {
      const message = "must have exactly one of header, queryParameter, cookie";
      issues.push({ path: `${path}.locations[${index}]`, message });
    }
    if (before !== undefined && header === undefined) {
      issues.push({ path: `${path}.locations[${index}].prefix`, message: "has no meaning without header" });
    }
  }
  const headers = (provider.claimHeaders ?? []).map(({ header }, index) => ({
    name: header.toLowerCase(),
    at: `${path}.claimHeaders[${index}].header`,
  }));
  if (provider.payloadHeader !== undefined) {
    headers.push({ name: provider.payloadHeader.toLowerCase(), at: `${path}.payloadHeader` });
  }
  for (const [index, { name, at }] of headers.entries()) {
    if (reserved.has(name)) issues.push({ path: at, message: `${name} is no header that a claim may take` });
    if (headers.findIndex((each) => each.name === name) < index) {
      issues.push({ path: at, message: `${name} is set twice` });
    }
  }
  return issues;
}

/** Headers by which a message is read, and those by which the mesh itself says who called. */
const reserved: ReadonlySet<string> = new Set([
  "connection",
  "content-length",
  "content-type",
  "cookie",
  "expect",
  "host",
  "keep-alive",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
  "x-forwarded-client-cert",
  "x-forwarded-for",
  "x-request-id",
]);

/** Public keys only: a policy is no place for secrets, and a symmetric key would let its readers make tokens. */
function checkKeySet(text: string, path: string): Issue[] {
  const keys = keysOf(text);
  if (keys === undefined) {
    return [{ path, message: 'must be the JSON of a JWK Set: {"keys": [...]} with at least one key' }];
  }
  return keys.flatMap((key, index) => {
    const at = `${path}.keys[${index}]`;
    if (!isRecord(key) || typeof key["kty"] !== "string") return [{ path: at, message: "is no JWK" }];
    if (key["kty"] === "oct")
      return [{ path: at, message: "is a symmetric key; only public keys are taken" }];
    return Object.hasOwn(key, "d")
      ? [{ path: at, message: "is a private key; only public keys belong here" }]
      : [];
  });
}

/** Undefined: it is no set of keys. */
function keysOf(text: string): readonly unknown[] | undefined {
  try {
    const parsed: unknown = JSON.parse(text);
    const keys: unknown = isRecord(parsed) ? parsed["keys"] : undefined;
    return Array.isArray(keys) && keys.length > 0 ? keys : undefined;
  } catch {
    return undefined;
  }
}
