/** From one workload to another, over their two proxies. */
import { describe, expect, test } from "bun:test";
import { decodeMessage, explanationSchema } from "../api/index.ts";
import { shareOf } from "../decide/index.ts";
import { documents, service, testMesh, workload } from "./testing.ts";

const base = [
  workload("web", { address: "10.1.0.1" }),
  workload("reviews-1", {
    address: "10.1.0.2",
    labels: { app: "reviews", version: "v1" },
    serviceAccount: "reviews",
  }),
  workload("reviews-2", {
    address: "10.1.0.3",
    labels: { app: "reviews", version: "v2" },
    serviceAccount: "reviews",
  }),
  service("reviews", 9080),
  service("v1", 9080, { selector: { app: "reviews", version: "v1" } }),
  service("v2", 9080, { selector: { app: "reviews", version: "v2" } }),
];

const route = `
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: { name: reviews }
spec:
  parentRefs: [{ group: "", kind: Service, name: reviews }]
  rules:
    - matches: [{ path: { type: PathPrefix, value: /canary } }]
      backendRefs: [{ name: v2, port: 9080 }]
    - matches: [{ path: { type: PathPrefix, value: / }, headers: [{ name: x-user, value: ann }] }]
      backendRefs: [{ name: v1, port: 9080 }]
    - backendRefs:
        - { name: v1, port: 9080, weight: 3 }
        - { name: v2, port: 9080, weight: 1 }
      timeouts: { request: 3s }
`;

const allowWeb = `
apiVersion: weft.dev/v1alpha1
kind: AuthorizationPolicy
metadata: { name: only-web }
spec:
  selector: { matchLabels: { version: v2 } }
  action: Allow
  rules:
    - from: [{ serviceAccounts: [default/web] }]
      to: [{ methods: [GET] }]
`;

const from = { workload: "default/web" };

describe("without a route", () => {
  const mesh = testMesh(documents(...base));

  test("a request goes to every endpoint of the service, and into both proxies", () => {
    const { outcome, hops } = mesh.simulate({ from, url: "http://reviews:9080/x" });
    expect(outcome).toEqual({ verdict: "forwarded" });
    expect(hops.map(({ proxy, also }) => [proxy.direction, proxy.name, also])).toEqual([
      ["outbound", "default/web", []],
      ["inbound", "default/reviews-1", ["default/reviews-2"]],
    ]);
    const [backend] = hops[0]?.backends ?? [];
    expect(backend?.endpoints.map(({ workload: name, isPossible }) => [name, isPossible])).toEqual([
      ["default/reviews-1", true],
      ["default/reviews-2", true],
    ]);
    expect(hops[1]?.mtls).toEqual({ mode: "strict", isMutual: true });
  });

  test("a name, a port, an address and a caller that are not there are told apart", () => {
    expect(mesh.simulate({ from, url: "http://ratings:9080/" }).outcome.verdict).toBe("unknown");
    expect(mesh.simulate({ from, url: "http://ratings.default.svc:9080/" }).outcome.reason).toBe(
      "destination_unknown",
    );
    expect(mesh.simulate({ from, url: "http://reviews:9/" }).outcome.reason).toBe("destination_unknown");
    expect(() =>
      mesh.simulate({ from: { workload: "default/nobody" }, url: "http://reviews:9080/" }),
    ).toThrow("no workload or Service with workloads is called default/nobody");
  });
});

describe("with a route", () => {
  const mesh = testMesh(documents(...base, route, allowWeb));

  test("the rule that matches, and why those before it do not", () => {
    const { hops } = mesh.simulate({ from, url: "http://reviews:9080/x", headers: [["X-User", "bob"]] });
    expect(hops[0]?.route?.source).toMatchObject({
      kind: "HTTPRoute",
      name: "reviews",
      section: "rules[2]",
      file: "mesh.yaml",
    });
    expect(hops[0]?.route?.others.map(({ matched, why }) => [matched, why])).toEqual([
      ["path prefix /canary", "path /x is not path prefix /canary"],
      ["every path, header x-user = ann", 'header x-user is "bob", not ann'],
    ]);
  });

  test("the share of the request id chooses the backend", () => {
    const chosen = new Set<string>();
    for (let i = 0; i < 40; i++) {
      const requestId = `request-${i}`;
      const { hops } = mesh.simulate({ from, url: "http://reviews:9080/x", requestId });
      const backend = hops[0]?.backends.find((each) => each.chosen);
      const isFirst = shareOf(requestId, "backend default/reviews") < 0.75;
      expect(backend?.cluster).toBe(isFirst ? "default/v1:9080" : "default/v2:9080");
      chosen.add(backend?.cluster ?? "");
    }
    expect(chosen.size).toBe(2);
  });

  test("a policy at the callee lets in or denies, with the field that differs", () => {
    const allowed = mesh.simulate({ from, url: "http://reviews:9080/canary" });
    expect(allowed.outcome.verdict).toBe("forwarded");
    expect(allowed.hops[1]?.admission).toMatchObject([{ action: "allow", isMatch: true, rule: "rules[0]" }]);
    const denied = mesh.simulate({ from, url: "http://reviews:9080/canary", method: "POST" });
    expect(denied.outcome).toMatchObject({ verdict: "denied", status: 403, reason: "authorization_denied" });
    expect(denied.hops[1]?.admission[0]?.mismatch).toContain("method");
  });

  test("timeouts name who said them", () => {
    const { hops } = mesh.simulate({ from, url: "http://reviews:9080/x" });
    const settings = hops[0]?.settings ?? [];
    expect(settings.find(({ field }) => field === "requestTimeoutMs")).toMatchObject({
      value: "3000",
      origin: { kind: "HTTPRoute", name: "reviews", section: "rules[2]" },
    });
    expect(settings.find(({ field }) => field === "tryTimeoutMs")).toEqual({
      field: "tryTimeoutMs",
      value: "0",
    });
  });
});

const slow = `
apiVersion: weft.dev/v1alpha1
kind: TrafficPolicy
metadata: { name: patient }
spec:
  targetRefs: [{ group: "", kind: Service, name: v1 }]
  timeouts: { try: 500ms }
  retries: { attempts: 5 }
`;

test("a policy of the backend's service says what the rule leaves open, and neither is said twice", () => {
  const mesh = testMesh(documents(...base, route, slow));
  const { hops } = mesh.simulate({ from, url: "http://reviews:9080/x", headers: [["x-user", "ann"]] });
  const told = new Map(hops[0]?.settings.map(({ field, value, origin }) => [field, [value, origin?.name]]));
  expect(told.get("tryTimeoutMs")).toEqual(["500", "patient"]);
  expect(told.get("retry.maxRetries")).toEqual(["5", "patient"]);
  expect(told.get("requestTimeoutMs")).toEqual(["0", undefined]);
});

test("what only the moment knows is said, and not guessed", () => {
  const jwt = `
apiVersion: weft.dev/v1alpha1
kind: AuthenticationPolicy
metadata: { name: people }
spec:
  selector: { matchLabels: { app: reviews } }
  jwt:
    required: true
    providers: [{ name: login, issuer: "https://issuer.example", jwksUri: "https://issuer.example/keys" }]
`;
  const mesh = testMesh(documents(...base, jwt));
  const asked = { from, url: "http://reviews:9080/" };
  expect(mesh.simulate(asked).outcome).toMatchObject({
    verdict: "denied",
    reason: "jwt_missing",
    status: 401,
  });
  const brought = mesh.simulate({ ...asked, headers: [["authorization", "Bearer a.b.c"]] });
  expect(brought.outcome.verdict).toBe("unknown");
  expect(brought.hops[1]?.token?.state).toBe("unchecked");
  const assumed = mesh.simulate({ ...asked, claims: { iss: "https://issuer.example", sub: "ann" } });
  expect(assumed.outcome.verdict).toBe("forwarded");
});

test("proposed changes are another mesh; the one that was asked stays as it is", () => {
  const mesh = testMesh(documents(...base, route));
  const changed = mesh.with({ removed: [{ kind: "Service", namespace: "default", name: "v2" }] });
  const asked = { from, url: "http://reviews:9080/canary" };
  expect(mesh.simulate(asked).outcome.verdict).toBe("forwarded");
  expect(changed.simulate(asked).outcome).toMatchObject({ reason: "backend_unresolved", status: 500 });
  expect(changed.problems()).toMatchObject([{ object: { kind: "HTTPRoute" }, type: "ResolvedRefs" }]);
  expect(mesh.problems()).toEqual([]);
});

test("where every endpoint denies it, each by a policy of its own, it is denied", () => {
  const denyV1 = `
apiVersion: weft.dev/v1alpha1
kind: AuthorizationPolicy
metadata: { name: nobody }
spec:
  selector: { matchLabels: { version: v1 } }
  action: Deny
  rules: [{}]
`;
  const mesh = testMesh(documents(...base, denyV1, denyV1.replace("nobody", "none").replace("v1 }", "v2 }")));
  const { outcome } = mesh.simulate({ from, url: "http://reviews:9080/" });
  expect(outcome).toMatchObject({ verdict: "denied", status: 403, reason: "authorization_denied" });
  // Whose no it is depends on the endpoint.
  expect(outcome.by).toBeUndefined();
});

test("where rules of one policy deny it, another at each endpoint, it is that policy", () => {
  const named = (name: string, port: number): string => `
apiVersion: weft.dev/v1alpha1
kind: MeshWorkload
metadata: { name: ${name}, labels: { app: orders } }
spec: { serviceAccount: orders, addresses: ["10.0.1.${port % 100}"], ports: [{ name: web, port: ${port}, protocol: http }] }
`;
  const mesh = testMesh(
    documents(
      ...base,
      named("orders-1", 8001),
      named("orders-2", 8002),
      `
apiVersion: v1
kind: Service
metadata: { name: orders }
spec: { selector: { app: orders }, ports: [{ name: web, port: 80, appProtocol: http, targetPort: web }] }
`,
      `
apiVersion: weft.dev/v1alpha1
kind: AuthorizationPolicy
metadata: { name: shut }
spec: { selector: { matchLabels: { app: orders } }, action: Deny, rules: [{ to: [{ ports: [8001] }] }, { to: [{ ports: [8002] }] }] }
`,
    ),
  );
  const { outcome } = mesh.simulate({ from, url: "http://orders/" });
  expect(outcome).toMatchObject({ verdict: "denied", by: { name: "shut", section: "" } });
  expect(outcome.detail).toStartWith("by endpoint: ");
});

test("an explanation is a document that its schema takes", () => {
  const mesh = testMesh(documents(...base, route, allowWeb));
  const explanation = mesh.simulate({ from, url: "http://reviews:9080/canary", headers: [["a", "b"]] });
  const decoded = decodeMessage(explanationSchema, explanation, "request");
  expect("issues" in decoded ? decoded.issues : []).toEqual([]);
});
