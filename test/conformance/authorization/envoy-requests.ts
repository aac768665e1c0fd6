/** Policies that Envoy can be given, and requests that it reads as the mesh does, made of the random ones. */
import { create } from "@bufbuild/protobuf";
import type { AdmissionRequest, HttpFacts } from "../../../src/decide/index.ts";
import {
  type Authorization,
  AuthorizationAction,
  AuthorizationSchema,
  type CallerMatch,
  type OperationMatch,
} from "../../../src/model/index.ts";
import { randomAuthorization } from "./random-policies.ts";
import { pick, type Random } from "./random.ts";
import { randomAdmission } from "./random-requests.ts";
import { readingsByTheText } from "./text-readings.ts";

/** Sources that a test on this machine can have. */
const addresses = ["127.0.0.1", "127.0.0.2", "127.0.1.1"] as const;
const remotes = ["10.0.0.1", "10.1.2.3", "192.168.0.9"] as const;
const blocks = ["127.0.0.0/24", "127.0.0.1/32", "127.0.0.0/8", "10.0.0.0/8"] as const;

/** Without what has no translation. */
export function translatable(random: Random): Authorization {
  const authorization = randomAuthorization(random);
  const policies = authorization.policies.filter(
    ({ action, dryRun }) =>
      !dryRun && (action === AuthorizationAction.ALLOW || action === AuthorizationAction.DENY),
  );
  for (const rule of policies.flatMap(({ rules }) => rules)) {
    rule.when = [];
    for (const from of rule.from) onLoopback(from, random);
    for (const to of rule.to) withoutServerNames(to);
  }
  return create(AuthorizationSchema, { ...authorization, policies });
}

function onLoopback(from: CallerMatch, random: Random): void {
  from.ipBlocks = from.ipBlocks.map(() => pick(random, blocks));
  from.notIpBlocks = from.notIpBlocks.map(() => pick(random, blocks));
}

function withoutServerNames(to: OperationMatch): void {
  to.serverNames = [];
  to.notServerNames = [];
  // Envoy joins by a comma alone.
  to.headers = to.headers.filter(({ value }) => !value.includes(","));
  to.notHeaders = to.notHeaders.filter(({ value }) => !value.includes(","));
}

/** One that has a single reading, as Envoy decides by one: normalised, slashes merged. */
export function sendable(random: Random): AdmissionRequest & { readonly http: HttpFacts } {
  for (;;) {
    const request = randomAdmission(random);
    const { http } = request;
    const readings = readingsByTheText(http?.path ?? "");
    if (http === undefined || !isSendable(http) || readings?.length !== 1) continue;
    // Of slashes alone Envoy merges none: "//" stays, and is not "/".
    if (readings[0] === "/" && http.path !== "/") continue;
    const caller = {
      ...request.caller,
      address: pick(random, addresses),
      port: pick(random, [80, 443]),
      isTls: false,
    };
    return { ...request, caller, remoteAddress: pick(random, remotes), http: { ...http, scheme: "http" } };
  }
}

function isSendable(http: HttpFacts): boolean {
  const values = ["x", "y"].map((name) => http.header(name) ?? "");
  return (
    http.method !== "get" &&
    http.path.startsWith("/") &&
    http.authority !== "" &&
    // Beside escapes of unreserved characters Envoy keeps them as they are spelled.
    !/%(?![46][1-9a-f]|[57][0-9a]|2[de])/i.test(http.path) &&
    values.every((value) => !value.includes(",") && value === value.trim())
  );
}
