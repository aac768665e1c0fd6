/** From one workload to another, over their two proxies. */
import { describe, expect, test } from "bun:test";
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
