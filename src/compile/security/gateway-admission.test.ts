/** What gateways ask: at listeners, at rules, and what is said of policies there. */
import { describe, expect, test } from "bun:test";
import type { Stored } from "../../api/index.ts";
import { stored } from "../test/objects.ts";
import { meshConfig, ofSystem, policy, service, targets, TestMesh, wholeMesh } from "./testing.ts";

const gatewayClass = stored({
  apiVersion: "gateway.networking.k8s.io/v1",
  kind: "GatewayClass",
  metadata: { name: "weft" },
  spec: { controllerName: "weft.dev/gateway-controller" },
});
const gateway = stored({
  apiVersion: "gateway.networking.k8s.io/v1",
  kind: "Gateway",
  metadata: { name: "edge", namespace: "shop" },
  spec: {
    gatewayClassName: "weft",
    listeners: [
      { name: "http", port: 80, protocol: "HTTP" },
      { name: "tcp", port: 81, protocol: "TCP" },
    ],
  },
});
const datagrams = stored({
  apiVersion: "gateway.networking.k8s.io/v1",
  kind: "Gateway",
  metadata: { name: "dns", namespace: "shop" },
  spec: {
    gatewayClassName: "weft",
    listeners: [
      { name: "udp", port: 53, protocol: "UDP" },
      { name: "tcp", port: 53, protocol: "TCP" },
    ],
  },
});
const web = service("web", [
  { name: "http", port: 80 },
  { name: "tcp", port: 81 },
]);
const authz = service("authz", [{ name: "grpc", port: 9000 }], "authz");

const atGateway = { name: "edge" };
const underService = { group: "", kind: "Service", name: "web" };

function route(name: string, parents: readonly object[], rules: readonly string[] = ["one", "two"]): Stored {
  return stored({
    apiVersion: "gateway.networking.k8s.io/v1",
    kind: "HTTPRoute",
    metadata: { name, namespace: "shop" },
    spec: {
      parentRefs: parents,
      rules: rules.map((rule) => ({
        name: rule,
        matches: [{ path: { value: `/${rule}` } }],
        backendRefs: [{ name: "web", port: 80 }],
      })),
    },
  });
}

function mesh(...more: Stored[]): TestMesh {
  return new TestMesh(gatewayClass, gateway, web, authz, route("r", [atGateway]), ...more);
}

const all = { rules: [{}] };
const allow = (name: string, aim: object, written = {}) =>
  policy("AuthorizationPolicy", name, { ...aim, ...all }, written);

/** Policies at the listener, then at each rule: "name", and "!" where the default denies. */
function asked(subject: TestMesh): string[] {
  const { listeners, admissions } = subject.gateway();
  const [listener] = listeners;
  const rules = listener?.virtualHosts[0]?.http?.rules ?? [];
  const index = listener?.admission ?? 0;
  return [index === 0 ? undefined : admissions[index - 1], ...rules.map((rule) => rule.admission)].map(
    (admission) => {
      const { policies = [], defaultDeny = false } = admission?.authorization ?? {};
      const names = policies.map(({ source }) => source?.name);
      const tokens = admission?.jwt?.providers.map(({ name }) => `jwt:${name}`) ?? [];
      return [...tokens, ...names, ...(defaultDeny ? ["!"] : [])].join(" ");
    },
  );
}

describe("what is asked", () => {
  const atRule = targets("HTTPRoute", "r", "two");
  const deny = (security: object = {}) =>
    meshConfig({ security: { defaultAuthorization: "Deny", ...security } });

  test.each<[string, Stored[], string[]]>([
    ["nothing without policies", [], ["", "", ""]],
    ["of the mesh: at the listener", [allow("m", wholeMesh, ofSystem)], ["m", "", ""]],
    ["of the Gateway: at the listener", [allow("g", targets("Gateway", "edge"))], ["g", "", ""]],
    ["of another listener: not there", [allow("g", targets("Gateway", "edge", "tcp"))], ["", "", ""]],
    ["of a route: at its rules", [allow("r", targets("HTTPRoute", "r"))], ["", "r", "r"]],
    ["of a rule: there alone", [allow("r", atRule)], ["", "", "r"]],
    [
      "of a rule, behind what the listener allows",
      [deny(), allow("g", targets("Gateway", "edge")), allow("r", atRule)],
      ["g !", "", "r"],
    ],
    [
      "where nothing is allowed but at a rule, all at the rules",
      [deny(), allow("r", atRule)],
      ["", "!", "r !"],
    ],
    [
      "where levels are united, all at the rules",
      [deny({ authorizationLevels: "Unite" }), allow("g", targets("Gateway", "edge")), allow("r", atRule)],
      ["", "g !", "g r !"],
    ],
    [
      "a dry run at a rule moves nothing",
      [deny(), policy("AuthorizationPolicy", "r", { ...atRule, ...all, mode: "DryRun" })],
      ["!", "", "r"],
    ],
  ])("%s", (_name, objects, expected) => {
    expect(asked(mesh(...objects))).toEqual(expected);
  });

  test("tokens of a route are asked for with those of the listener, at each rule", () => {
    const jwt = (name: string) => ({
      jwt: { providers: [{ name, issuer: `https://${name}.example`, jwksUri: "https://a.example/k" }] },
    });
    const subject = mesh(
      policy("AuthenticationPolicy", "g", { ...targets("Gateway", "edge"), ...jwt("a") }),
      policy("AuthenticationPolicy", "r", { ...atRule, ...jwt("b") }),
      allow("g", targets("Gateway", "edge")),
    );
    expect(asked(subject)).toEqual(["", "jwt:a g", "jwt:a jwt:b g"]);
  });

  test("rules of a route that attaches to a Service too ask nothing there", () => {
    const subject = mesh(route("r", [atGateway, underService]), allow("r", targets("HTTPRoute", "r")));
    const outbound = subject.compiler.get({ kind: "Outbound", key: "shop/web:80@shop" });
    expect(outbound?.closure.clusters).toEqual(["shop/web:80"]);
    expect(Buffer.from(outbound?.bytes ?? []).includes("AuthorizationPolicy")).toBe(false);
    expect(asked(subject)).toEqual(["", "r", "r"]);
  });

  test("whoever is asked is in the closure, from the listener and from a rule", () => {
    const custom = { backendRef: { name: "authz", port: 9000 }, protocol: "GRPC" };
    const at = (aim: object) =>
      policy("AuthorizationPolicy", "c", { ...aim, ...all, action: "Custom", custom });
    for (const aim of [targets("Gateway", "edge"), atRule]) {
      expect(mesh(at(aim)).gateway().clusters).toEqual(["shop/authz:9000", "shop/web:80"]);
    }
  });
});

describe("what is said", () => {
  const httpOnly = {
    rules: [{ name: "by-path", to: [{ paths: ["/a"] }] }, { from: [{ namespaces: ["a"] }] }],
  };

  test.each<[string, object, string]>([
    [
      "a Service that is missing",
      { ...targets("Service", "gone"), ...all },
      "Accepted=False TargetNotFound: Service shop/gone does not exist",
    ],
    [
      "a port that is missing",
      { ...targets("Service", "web", "grpc"), ...all },
      "Accepted=False TargetNotFound: Service shop/web has no TCP port named grpc",
    ],
    [
      "a Gateway that is missing",
      { ...targets("Gateway", "gone"), ...all },
      "Accepted=False TargetNotFound: Gateway shop/gone does not exist or is another controller's",
    ],
    [
      "a listener that is missing",
      { ...targets("Gateway", "edge", "gone"), ...all },
      "Accepted=False TargetNotFound: Gateway shop/edge has no listener named gone",
    ],
    [
      "a rule that is missing",
      { ...targets("HTTPRoute", "r", "gone"), ...all },
      "Accepted=False TargetNotFound: HTTPRoute shop/r has no rule named gone",
    ],
    [
      "a route under a Service",
      { ...targets("HTTPRoute", "inner"), ...all },
      "Accepted=False NotEnforced: HTTPRoute shop/inner is attached to Services only",
    ],
    [
      "a listener of datagrams",
      { ...targets("Gateway", "dns", "udp"), ...all },
      "Accepted=False NotEnforced: listener udp of Gateway shop/dns takes datagrams, of which policies are not asked",
    ],
    [
      "a Gateway of which one listener takes datagrams",
      { ...targets("Gateway", "dns"), ...all },
      "Accepted=True Accepted: not enforced for datagrams: listener udp of Gateway shop/dns",
    ],
    ["a target that is there", { ...targets("Service", "web"), ...all }, "Accepted=True Accepted: "],
    [
      "rules that no raw connection can match",
      { ...targets("Service", "web", "tcp"), ...httpOnly },
      "Accepted=True Accepted: by-path can never match at port 81 of Service shop/web, where no HTTP is read",
    ],
    [
      "rules that every raw connection matches",
      { ...targets("Gateway", "edge"), ...httpOnly, action: "Deny" },
      "Accepted=True Accepted: by-path matches every connection at listener tcp of Gateway shop/edge, where no HTTP is read",
    ],
    [
      "a dry run",
      { ...targets("Service", "web"), ...all, mode: "DryRun" },
      "Accepted=True Accepted: a dry run: what it would do is logged and counted, and not done",
    ],
  ])("%s", (_name, spec, expected) => {
    const subject = mesh(datagrams, route("inner", [underService]), policy("AuthorizationPolicy", "p", spec));
    expect(subject.conditions("p")).toEqual([expect.stringContaining(expected)]);
  });

  test("what a farther level asks for too, or instead", () => {
    const farther = allow("m", wholeMesh, ofSystem);
    const subject = mesh(farther, allow("p", targets("Service", "web")));
    expect(subject.conditions("p")).toEqual([
      "Accepted=True Accepted: a request must be allowed by AuthorizationPolicy weft-system/m too",
    ]);
    subject.add(meshConfig({ security: { authorizationLevels: "Unite" } }));
    expect(subject.conditions("p")[0]).toContain(
      "may be allowed by AuthorizationPolicy weft-system/m instead",
    );
    subject.remove(farther);
    expect(subject.conditions("p")).toEqual(["Accepted=True Accepted: "]);
  });

  test("whom it cannot ask", () => {
    const custom = { backendRef: { name: "authz", namespace: "far", port: 9000 }, protocol: "GRPC" };
    const spec = { ...targets("Service", "web"), ...all, action: "Custom", custom };
    expect(mesh(policy("AuthorizationPolicy", "p", spec)).conditions("p")[1]).toBe(
      "ResolvedRefs=False RefNotPermitted: spec.custom.backendRef: Service far/authz is in another namespace and nothing there permits the reference",
    );
  });

  test("a target that comes makes it hold", () => {
    const subject = mesh(allow("p", targets("Service", "late")));
    expect(subject.conditions("p")[0]).toStartWith("Accepted=False TargetNotFound");
    subject.add(service("late", [{ name: "http", port: 80 }]));
    expect(subject.conditions("p")).toEqual(["Accepted=True Accepted: "]);
  });
});
