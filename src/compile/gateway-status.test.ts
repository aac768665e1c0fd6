/** Conditions of Gateways, their listeners and classes, one for each thing that can be the matter. */
import { describe, expect, test } from "bun:test";
import { shopPair } from "./test/certificates.ts";
import { CompiledGateways, gateway, gatewayClass, object, secret } from "./test/gateway-status.ts";
import { stored } from "./test/objects.ts";

const http = { name: "http", port: 80, protocol: "HTTP" };
const https = {
  name: "https",
  port: 443,
  protocol: "HTTPS",
  tls: { certificateRefs: [{ name: "shop" }] },
};
const shop = secret({ name: "shop" }, shopPair);
const edge = (spec: object) => gateway({ name: "edge" }, spec);

test("a Gateway that can be served says so, for its generation", () => {
  const compiled = new CompiledGateways([edge({})]);
  expect(compiled.status("Gateway", "default/edge").observedGeneration).toBe(1);
  expect(compiled.conditions("Gateway", "default/edge")).toEqual({
    Accepted: "True Accepted",
    Programmed: "True Programmed",
    ResolvedRefs: "True ResolvedRefs",
  });
  expect(compiled.conditions("Gateway", "default/edge", "http")).toEqual({
    Accepted: "True Accepted",
    Conflicted: "False NoConflicts",
    ResolvedRefs: "True ResolvedRefs",
    Programmed: "True Programmed",
  });
});

describe("a Gateway is refused", () => {
  test.each([
    ["UnsupportedAddress", { addresses: [{ type: "Hostname", value: "edge.example.com" }] }],
    [
      "InvalidParameters",
      { infrastructure: { parametersRef: { group: "weft.dev", kind: "Parameters", name: "p" } } },
    ],
    ["InvalidParameters", { infrastructure: { annotations: { "weft.dev/proxy-protocol": "perhaps" } } }],
    ["ListenersNotValid", { listeners: [{ name: "own", port: 1, protocol: "example.com/own" }] }],
  ])("for %s", (reason, spec) => {
    const compiled = new CompiledGateways([edge(spec)]);
    expect(compiled.conditions("Gateway", "default/edge")).toMatchObject({
      Accepted: `False ${reason}`,
      Programmed: "False Invalid",
    });
    expect(compiled.gateway("default/edge").listeners).toEqual([]);
    expect(compiled.gatewayStatus("default/edge").addresses).toEqual([]);
  });
});

describe("a listener", () => {
  const listeners = (...all: object[]) => new CompiledGateways([shop, edge({ listeners: all })]);

  test("of a protocol that nobody knows", () => {
    const compiled = listeners(http, { ...http, name: "own", port: 81, protocol: "example.com/own" });
    expect(compiled.conditions("Gateway", "default/edge")).toMatchObject({
      Accepted: "True ListenersNotValid",
      Programmed: "True Programmed",
    });
    expect(compiled.conditions("Gateway", "default/edge", "own")).toMatchObject({
      Accepted: "False UnsupportedProtocol",
      Programmed: "False Invalid",
    });
    expect(compiled.gatewayStatus("default/edge").listeners[1]?.supportedKinds).toEqual([]);
  });

  test.each([
    ["ProtocolConflict", http, { name: "tcp", port: 80, protocol: "TCP" }],
    ["HostnameConflict", { ...http, hostname: "a.example" }, { ...http, name: "tcp", hostname: "a.example" }],
    ["ProtocolConflict", https, { name: "tcp", port: 443, protocol: "TLS", tls: { mode: "Passthrough" } }],
  ])("that is in conflict, %s: both are refused", (reason, one, other) => {
    // The API refuses what is the same in all three; compile sees it from other writers.
    const written = { ...edge({ listeners: [http] }) };
    const parsed = edge({ listeners: [one] });
    const second = edge({ listeners: [other] });
    if (written.kind !== "Gateway" || parsed.kind !== "Gateway" || second.kind !== "Gateway")
      throw new Error();
    const both = {
      ...written,
      spec: { ...written.spec, listeners: [...parsed.spec.listeners, ...second.spec.listeners] },
    };
    const compiled = new CompiledGateways([shop, both]);
    for (const { name } of both.spec.listeners) {
      expect(compiled.conditions("Gateway", "default/edge", name)).toMatchObject({
        Accepted: `False ${reason}`,
        Conflicted: `True ${reason}`,
        Programmed: "False Invalid",
      });
    }
    expect(compiled.conditions("Gateway", "default/edge")).toMatchObject({
      Accepted: "False ListenersNotValid",
    });
  });

  test("that names kinds which cannot attach keeps those that can", () => {
    const kinds = [{ kind: "HTTPRoute" }, { kind: "TCPRoute" }];
    const compiled = listeners({ ...http, allowedRoutes: { kinds } });
    expect(compiled.conditions("Gateway", "default/edge", "http")).toMatchObject({
      Accepted: "True Accepted",
      ResolvedRefs: "False InvalidRouteKinds",
    });
    expect(
      compiled.gatewayStatus("default/edge").listeners[0]?.supportedKinds.map(({ kind }) => kind),
    ).toEqual(["HTTPRoute"]);
    expect(compiled.conditions("Gateway", "default/edge")).toMatchObject({
      ResolvedRefs: "False ListenersNotResolved",
    });
  });

  test.each([
    ["InvalidCertificateRef", { name: "missing" }],
    ["InvalidCertificateRef", { kind: "ConfigMap", name: "shop" }],
    ["RefNotPermitted", { name: "shop", namespace: "elsewhere" }],
  ])("without a certificate that it may show: %s", (reason, reference) => {
    const compiled = listeners(http, { ...https, tls: { certificateRefs: [reference] } });
    expect(compiled.conditions("Gateway", "default/edge", "https")).toMatchObject({
      Accepted: "True Accepted",
      ResolvedRefs: `False ${reason}`,
      Programmed: "False Invalid",
    });
  });

  test("of HTTPS whose hostname overlaps with another's says so, whatever else shares the machine", () => {
    const compiled = listeners(
      { ...https, hostname: "*.example.com" },
      { ...https, name: "foo", hostname: "foo.example.com" },
      { ...https, name: "org", hostname: "foo.example.org" },
      { ...https, name: "other-port", port: 8443, hostname: "foo.example.com" },
    );
    const overlap = (name: string) =>
      compiled.conditions("Gateway", "default/edge", name)["OverlappingTLSConfig"];
    expect(["https", "foo", "org", "other-port"].map(overlap)).toEqual([
      "True OverlappingHostnames",
      "True OverlappingHostnames",
      undefined,
      undefined,
    ]);
  });

  test("counts the routes that it has accepted, and no others", () => {
    const route = (name: string, spec: object) =>
      object("HTTPRoute", { name }, { parentRefs: [{ name: "edge" }], rules: [{}], ...spec });
    const compiled = new CompiledGateways([
      edge({
        listeners: [
          { ...http, hostname: "a.example" },
          { ...http, name: "b", hostname: "b.example" },
        ],
      }),
      route("both", {}),
      route("a", { hostnames: ["a.example"] }),
      route("elsewhere", { hostnames: ["c.example"] }),
      route("malformed", {
        rules: [{ matches: [{ headers: [{ name: "x", type: "RegularExpression", value: "(" }] }] }],
      }),
    ]);
    expect(compiled.gatewayStatus("default/edge").listeners.map((each) => each.attachedRoutes)).toEqual([
      2, 1,
    ]);
  });
});

test("listeners of UDP and of HTTP on one number leave each other's routes alone", () => {
  const compiled = new CompiledGateways([
    edge({ listeners: [http, { ...http, name: "udp", protocol: "UDP" }] }),
    object("HTTPRoute", { name: "r" }, { parentRefs: [{ name: "edge" }], rules: [{}] }),
  ]);
  const [web] = compiled.gateway("default/edge").listeners;
  expect(web?.virtualHosts[0]?.http?.rules).toHaveLength(1);
});

test("infrastructure's marks travel with the Gateway, sorted", () => {
  const infrastructure = { labels: { team: "shop", app: "edge" }, annotations: { note: "x" } };
  const { labels, annotations } = new CompiledGateways([edge({ infrastructure })]).gateway("default/edge");
  expect(Object.entries(labels)).toEqual([
    ["app", "edge"],
    ["team", "shop"],
  ]);
  expect(annotations).toEqual({ note: "x" });
});

describe("a GatewayClass", () => {
  test("says what it supports, in ascending order", () => {
    const compiled = new CompiledGateways([]);
    expect(compiled.conditions("GatewayClass", "weft")).toEqual({
      Accepted: "True Accepted",
      SupportedVersion: "True SupportedVersion",
    });
    const { status } = compiled.status("GatewayClass", "weft");
    const features = status.kind === "class" ? status.supportedFeatures : [];
    expect(features).toContain("ListenerSet");
    expect(features).toEqual(features.toSorted());
    expect(new Set(features).size).toBe(features.length);
    // Gateway API's bound.
    expect(features.length).toBeLessThanOrEqual(64);
  });

  test("with parameters is refused", () => {
    if (gatewayClass.kind !== "GatewayClass") throw new Error("not a class");
    const spec = { ...gatewayClass.spec, parametersRef: { group: "", kind: "ConfigMap", name: "x" } };
    const compiled = new CompiledGateways([stored({ ...gatewayClass, metadata: { name: "other" }, spec })]);
    expect(compiled.conditions("GatewayClass", "other")).toMatchObject({
      Accepted: "False InvalidParameters",
    });
  });
});
