/** Random requests and raw connections from the alphabets of the policies, and from what no policy may be written with. */
import type { AdmissionRequest, Claims, HttpFacts } from "../../../src/decide/index.ts";
import { addresses, hosts, identities, principals, serverNames } from "./random-policies.ts";
import { pick, type Random } from "./random.ts";

const segments = ["a", "b", "ab", "s.S", "M"] as const;
const oddSegments = [
  "",
  ".",
  "..",
  "%2e",
  "%2E%2e",
  "%61",
  "a%2fb",
  "a%2F..",
  "..%5cb",
  "a\\b",
  ".a",
  "a.",
  "a*",
  "a;v=1",
  "..;x",
  ";",
  "a;x%2fy",
  "%00",
  "%c0%af",
  "%zz",
  "%",
  "%C3%A9",
  "A",
  "%252e",
] as const;

function randomPath(random: Random): string {
  let path = "";
  const oddness = random() < 0.4 ? 0.5 : 0;
  for (let depth = Math.floor(random() * 4); depth > 0; depth--)
    path += `/${random() < oddness ? pick(random, oddSegments) : pick(random, segments)}`;
  if (random() < 0.1) path += "/";
  if (random() < 0.02) return pick(random, ["*", "", "x"]);
  return path === "" ? "/" : path;
}

/** Each value on a line of its own. */
function randomHeaders(random: Random): Map<string, string[]> {
  const headers = new Map<string, string[]>();
  for (const name of ["x", "y"]) {
    if (random() < 0.4) continue;
    const values = [pick(random, ["1", "2", "12", "1, 2", ""])];
    if (random() < 0.3) values.push(pick(random, ["1", "2", "12"]));
    headers.set(name, values);
  }
  return headers;
}

function randomHttp(random: Random): HttpFacts {
  const headers = randomHeaders(random);
  const http: HttpFacts = {
    method: pick(random, ["GET", "GET", "POST", "PUT", "get"]),
    path: randomPath(random),
    query: pick(random, ["", "q=a", "q=gold&q=a", "r=1"]),
    authority: random() < 0.05 ? "" : pick(random, hosts),
    scheme: pick(random, ["http", "https"]),
    version: "HTTP/1.1",
    isGrpc: random() < 0.3,
    requestId: "r",
    header: (name) => headers.get(name)?.join(", "),
  };
  return random() < 0.5 ? http : { ...http, headerValues: (name) => headers.get(name) ?? [] };
}

function randomClaims(random: Random): Claims | undefined {
  if (random() < 0.4) return undefined;
  const [, issuer, subject] = /^(.*)\/(.*)$/.exec(pick(random, principals)) ?? [];
  return {
    ...(random() < 0.9 ? { iss: issuer } : {}),
    ...(random() < 0.9 ? { sub: subject } : { sub: 7 }),
    ...(random() < 0.5 ? { aud: random() < 0.5 ? "a" : ["a", "b"] } : {}),
    ...(random() < 0.6 ? { tier: pick<unknown>(random, ["gold", "a", 4, true, null]) } : {}),
    ...(random() < 0.5 ? { age: pick(random, [1, 12, 4.5]) } : {}),
    ...(random() < 0.5 ? { admin: random() < 0.5 } : {}),
    ...(random() < 0.5 ? { roles: pick<unknown>(random, [["ops"], ["dev", 4], [], "ops"]) } : {}),
    ...(random() < 0.5 ? { realm: { name: pick(random, ["a", "x"]), roles: ["a", "ops"] } } : {}),
  };
}

export function randomAdmission(random: Random): AdmissionRequest {
  const address = random() < 0.03 ? "" : pick(random, addresses);
  const isTls = random() < 0.7;
  return {
    caller: {
      identity: isTls && random() < 0.8 ? pick(random, identities) : "",
      address,
      addressPort: 4000,
      isTls,
      serverName: isTls && random() < 0.6 ? pick(random, serverNames) : "",
      port: pick(random, [80, 443, 8080]),
      service: "n/s",
      destination: "n/w",
    },
    remoteAddress: random() < 0.6 ? address : pick(random, addresses),
    http: random() < 0.15 ? undefined : randomHttp(random),
    claims: randomClaims(random),
    nowMs: 1_800_000_000_000 + Math.floor(random() * 7 * 24) * 3_600_000,
  };
}
