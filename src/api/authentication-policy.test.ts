/** What an AuthenticationPolicy may say, and what is refused when it is written. */
import { expect, test } from "bun:test";
import { issuesOf, parsedAs } from "./testing/parsing.ts";

const web = { targetRefs: [{ kind: "Service", name: "web" }] };
const chosen = { selector: { matchLabels: { app: "web" } } };

function policy(spec: object): unknown {
  return {
    apiVersion: "weft.dev/v1alpha1",
    kind: "AuthenticationPolicy",
    metadata: { name: "p", namespace: "shop" },
    spec,
  };
}

const publicKey = { kty: "EC", crv: "P-256", x: "AA", y: "AA" };
const provider = { name: "a", issuer: "https://a.example", jwksUri: "https://a.example/keys" };
const tokens = (each: object) => ({ ...web, jwt: { providers: [{ ...provider, ...each }] } });
const keySet = (...keys: readonly unknown[]) => ({ jwksUri: undefined, jwks: JSON.stringify({ keys }) });

test("tokens: what is not said has a default", () => {
  const { jwt } = parsedAs("AuthenticationPolicy", policy(tokens({}))).spec;
  expect(jwt).toEqual({
    required: false,
    providers: [{ ...provider, algorithms: ["RS256", "ES256"], clockSkew: "1m", forwardToken: false }],
  });
});

test("modes by port, of workloads", () => {
  const mtls = { mode: "Strict", ports: [{ port: 8080, mode: "Permissive" }] } as const;
  const written: unknown = parsedAs("AuthenticationPolicy", policy({ ...chosen, mtls })).spec.mtls;
  expect(written).toEqual(mtls);
});

test.each<[object, string]>([
  [web, "spec: says nothing; it needs one of mtls, jwt"],
  [{ ...web, mtls: {} }, "spec.mtls: says nothing"],
  [{ ...web, mtls: { mode: "strict" } }, "spec.mtls.mode: must be one of"],
  [{ ...web, mtls: { ports: [{ port: 80, mode: "Strict" }] } }, "spec.mtls.ports: needs a selector"],
  [
    {
      ...chosen,
      mtls: {
        ports: [
          { port: 80, mode: "Strict" },
          { port: 80, mode: "Disabled" },
        ],
      },
    },
    "spec.mtls.ports[1].port: 80 is listed twice",
  ],
  [
    { targetRefs: [{ kind: "Gateway", name: "edge" }], mtls: { mode: "Strict" } },
    "spec.mtls: has no meaning for Gateway edge",
  ],
  [
    { targetRefs: [{ kind: "HTTPRoute", name: "r" }], mtls: { mode: "Strict" } },
    "spec.mtls: has no meaning for HTTPRoute r",
  ],
  [tokens({ jwks: "{}" }), "spec.jwt.providers[0]: must have exactly one of jwks, jwksUri"],
  [tokens({ jwksUri: undefined }), "spec.jwt.providers[0]: must have exactly one of jwks, jwksUri"],
  [tokens({ jwksUri: "file:///keys" }), "spec.jwt.providers[0].jwksUri: must be a URL"],
  [tokens(keySet()), "spec.jwt.providers[0].jwks: must be the JSON of a JWK Set"],
  [
    tokens({ jwksUri: undefined, jwks: "no json" }),
    "spec.jwt.providers[0].jwks: must be the JSON of a JWK Set",
  ],
  [tokens(keySet({ kty: "oct", k: "AA" })), "spec.jwt.providers[0].jwks.keys[0]: is a symmetric key"],
  [tokens(keySet(publicKey, { ...publicKey, d: "AA" })), "jwks.keys[1]: is a private key"],
  [tokens({ algorithms: ["none"] }), "spec.jwt.providers[0].algorithms[0]: must be one of"],
  [tokens({ algorithms: ["HS256"] }), "spec.jwt.providers[0].algorithms[0]: must be one of"],
  [tokens({ clockSkew: "1h" }), "spec.jwt.providers[0].clockSkew: must be"],
  [tokens({ locations: [{}] }), "locations[0]: must have exactly one of header, queryParameter, cookie"],
  [
    tokens({ locations: [{ cookie: "a", prefix: "b" }] }),
    "locations[0].prefix: has no meaning without header",
  ],
  [
    tokens({ claimHeaders: [{ header: "Host", claim: ["sub"] }] }),
    "claimHeaders[0].header: host is no header",
  ],
  [
    tokens({ claimHeaders: [{ header: "X-User", claim: ["sub"] }], payloadHeader: "x-user" }),
    "payloadHeader: x-user is set twice",
  ],
  [
    { ...web, jwt: { providers: [provider, { ...provider, name: "b" }] } },
    "spec.jwt.providers[1].issuer: https://a.example is listed twice",
  ],
])("%j: %s", (spec, expected) => {
  expect(issuesOf(policy(spec)).join("\n")).toContain(expected);
});

test("a private key is not repeated in what is said of it", () => {
  const issues = issuesOf(policy(tokens(keySet({ ...publicKey, d: "very-secret" }))));
  expect(issues.join("\n")).not.toContain("very-secret");
});
