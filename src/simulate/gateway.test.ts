/** From a client outside to a workload, over a gateway. */
import { describe, expect, test } from "bun:test";
import { documents, service, testMesh, workload } from "./testing.ts";

const mesh = testMesh(
  documents(
    workload("web", { address: "10.1.0.1" }),
    workload("api", { address: "10.1.0.2" }),
    service("web", 80),
    service("api", 80),
    `
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: { name: shop }
spec:
  gatewayClassName: weft
  listeners:
    - { name: http, port: 80, protocol: HTTP }
    - { name: narrow, port: 80, protocol: HTTP, hostname: "api.example.com" }
    - { name: db, port: 5432, protocol: TCP }
`,
    `
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: { name: shop }
spec:
  parentRefs: [{ name: shop, sectionName: http }]
  rules:
    - name: old
      matches: [{ path: { type: PathPrefix, value: /old } }]
      filters: [{ type: RequestRedirect, requestRedirect: { path: { type: ReplacePrefixMatch, replacePrefixMatch: /new }, statusCode: 301 } }]
    - name: rest
      matches: [{ path: { type: PathPrefix, value: /v1 } }]
      filters:
        - { type: URLRewrite, urlRewrite: { hostname: web.internal, path: { type: ReplacePrefixMatch, replacePrefixMatch: / } } }
        - { type: RequestHeaderModifier, requestHeaderModifier: { set: [{ name: x-tier, value: edge }], remove: [x-debug] } }
      backendRefs: [{ name: web, port: 80 }]
`,
    `
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: { name: api }
spec:
  parentRefs: [{ name: shop, sectionName: narrow }]
  rules: [{ backendRefs: [{ name: api, port: 80 }] }]
`,
    `
apiVersion: gateway.networking.k8s.io/v1
kind: TCPRoute
metadata: { name: db }
spec:
  parentRefs: [{ name: shop, sectionName: db }]
  rules: [{ backendRefs: [{ name: api, port: 80 }] }]
`,
    `
apiVersion: weft.dev/v1alpha1
kind: AuthorizationPolicy
metadata: { name: at-the-door }
spec:
  targetRefs: [{ group: gateway.networking.k8s.io, kind: Gateway, name: shop }]
  action: Deny
  rules: [{ from: [{ remoteIpBlocks: [203.0.113.0/24] }] }]
`,
  ),
);
const from = { gateway: "default/shop", client: "198.51.100.7" };

describe("at the gateway", () => {
  test("a request takes listener, hostname, route and both hops", () => {
    const { outcome, hops } = mesh.simulate({
      from,
      url: "http://shop.example.com/v1/items?a=1",
      headers: [["x-debug", "1"]],
    });
    expect(outcome).toEqual({ verdict: "forwarded" });
    const [gateway, callee] = hops;
    expect(gateway?.listener).toMatchObject({ name: "http", port: 80, hostname: "*" });
    expect(gateway?.route?.source).toMatchObject({ name: "shop", section: "rest" });
    expect(gateway?.rewrite).toEqual({ hostname: "web.internal", path: "/items?a=1" });
    expect(callee?.proxy.name).toBe("default/web");
    expect(callee?.sent?.url).toBe("http://web.internal/items?a=1");
    const sent = new Map(callee?.sent?.headers.map(([name = "", value = ""]) => [name, value]));
    expect(sent.get("x-tier")).toBe("edge");
    expect(sent.has("x-debug")).toBe(false);
    expect(sent.get("x-forwarded-for")).toBe("198.51.100.7");
    expect(sent.get("x-forwarded-host")).toBe("shop.example.com");
  });

  test("the most specific hostname has the request", () => {
    const { hops } = mesh.simulate({ from, url: "http://api.example.com/" });
    expect(hops[0]?.listener).toMatchObject({ name: "narrow", hostname: "api.example.com" });
    expect(hops[1]?.proxy.name).toBe("default/api");
  });

  test("a redirect is answered, once policies have let the client in", () => {
    const redirected = mesh.simulate({ from, url: "http://shop.example.com/old/x" });
    expect(redirected.outcome).toMatchObject({ verdict: "answered", status: 301, by: { section: "old" } });
    expect(redirected.hops[0]?.answer?.headers).toContainEqual(["location", "http://shop.example.com/new/x"]);
    const denied = mesh.simulate({
      from: { ...from, client: "203.0.113.9" },
      url: "http://shop.example.com/old/x",
    });
    expect(denied.outcome).toMatchObject({ verdict: "denied", status: 403, by: { name: "at-the-door" } });
  });

  test("no rule, no port, no gateway", () => {
    expect(mesh.simulate({ from, url: "http://shop.example.com/none" }).outcome).toMatchObject({
      reason: "no_route",
      status: 404,
    });
    expect(mesh.simulate({ from, url: "http://shop.example.com:81/" }).outcome.detail).toContain(
      "it has 80, 5432",
    );
    const nobody = mesh.simulate({ from: { gateway: "default/none" }, url: "http://shop.example.com/" });
    expect(nobody.outcome.detail).toContain("there is no Gateway default/none");
  });

  test("bytes go where the listener's route sends connections, TLS to a plaintext listener nowhere", () => {
    const { outcome, hops } = mesh.simulate({ from, url: "tcp://shop.example.com:5432" });
    expect(outcome.verdict).toBe("forwarded");
    expect(hops.map(({ protocol, proxy }) => [protocol, proxy.name])).toEqual([
      ["tcp", "default/shop"],
      ["tcp", "default/api"],
    ]);
    expect(mesh.simulate({ from, url: "https://shop.example.com:80/" }).outcome.reason).toBe(
      "protocol_mismatch",
    );
  });
});
