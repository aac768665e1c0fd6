/** Conditions of Gateways, their listeners and classes, one for each thing that can be the matter. */
import { describe, expect, test } from "bun:test";
import { shopPair } from "./test/certificates.ts";
import {
  CompiledGateways,
  configMap,
  gateway,
  gatewayClass,
  grant,
  object,
  secret,
} from "./test/gateway-status.ts";
import { stored } from "./test/objects.ts";

const http = { name: "http", port: 80, protocol: "HTTP" };
const https = {
  name: "https",
  port: 443,
  protocol: "HTTPS",
  tls: { certificateRefs: [{ name: "shop" }] },
};
const shop = secret({ name: "shop" }, shopPair);
const machine = { address: "127.0.0.1", addresses: ["10.0.0.5", "127.0.0.1", "::1", "fd00::5"] };

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

describe("addresses", () => {
  test("that the machine has are listened on, and are in the status as they were written", () => {
    const compiled = new CompiledGateways(
      [edge({ addresses: [{ value: "FD00::5" }, { value: "10.0.0.5" }] })],
      machine,
    );
    expect(compiled.conditions("Gateway", "default/edge")).toMatchObject({ Programmed: "True Programmed" });
    expect(compiled.gateway("default/edge").listeners[0]?.addresses).toEqual(["10.0.0.5", "fd00::5"]);
    expect(compiled.gatewayStatus("default/edge").addresses?.map(({ value }) => value)).toEqual([
      "10.0.0.5",
      "fd00::5",
    ]);
  });

  test("that it does not have are told, and the others are served", () => {
    const compiled = new CompiledGateways(
      [edge({ addresses: [{ value: "192.0.2.9" }, { value: "10.0.0.5" }] })],
      machine,
    );
    expect(compiled.conditions("Gateway", "default/edge")).toMatchObject({
      Accepted: "True Accepted",
      Programmed: "False AddressNotUsable",
    });
    expect(compiled.gateway("default/edge").listeners[0]?.addresses).toEqual(["10.0.0.5"]);
    expect(compiled.gatewayStatus("default/edge").addresses).toEqual([
      { type: "IPAddress", value: "10.0.0.5" },
    ]);
  });

  test("none of which it has leave nothing to listen on, not the proxy's own address", () => {
    const compiled = new CompiledGateways([edge({ addresses: [{ value: "192.0.2.9" }] })], machine);
    expect(compiled.gateway("default/edge").listeners).toEqual([]);
    expect(compiled.conditions("Gateway", "default/edge", "http")).toMatchObject({
      Programmed: "False Invalid",
    });
  });

  test.each([
    ["absent", {}],
    ["without a value", { addresses: [{ type: "IPAddress" }] }],
    ["the proxy's own, written out", { addresses: [{ value: "127.0.0.1" }] }],
  ])("%s mean the proxy's own", (_, spec) => {
    const compiled = new CompiledGateways([edge(spec)], machine);
    expect(compiled.gateway("default/edge").listeners[0]?.addresses).toEqual([]);
    expect(compiled.gatewayStatus("default/edge").addresses).toEqual([
      { type: "IPAddress", value: "127.0.0.1" },
    ]);
  });

  test("of a wildcard are all that the machine has of its family", () => {
    const compiled = new CompiledGateways([edge({})], { ...machine, address: "0.0.0.0" });
    expect(compiled.gatewayStatus("default/edge").addresses?.map(({ value }) => value)).toEqual([
      "10.0.0.5",
      "127.0.0.1",
    ]);
  });

  test("that the machine gets later are used from then on", () => {
    const compiled = new CompiledGateways([edge({ addresses: [{ value: "10.0.0.6" }] })], machine);
    expect(compiled.gateway("default/edge").listeners).toEqual([]);
    const output = compiled.compiler.apply({
      gatewayHost: { ...machine, addresses: [...machine.addresses, "10.0.0.6"] },
    });
    expect(output.upserted).toHaveLength(1);
    expect(compiled.conditions("Gateway", "default/edge")).toMatchObject({ Programmed: "True Programmed" });
  });
});

describe("Gateways at one address", () => {
  const first = (spec: object) => gateway({ name: "a" }, spec);
  const second = (spec: object) => gateway({ name: "b" }, spec);

  test.each([
    ["one port for TCP and HTTP", { listeners: [{ ...http, protocol: "TCP" }] }, { listeners: [http] }],
    [
      "one port of TCP",
      { listeners: [{ ...http, protocol: "TCP" }] },
      { listeners: [{ ...http, protocol: "TCP" }] },
    ],
    ["one server name", { listeners: [https] }, { listeners: [{ ...https, name: "http" }] }],
    [
      "PROXY headers for one only",
      { infrastructure: { annotations: { "weft.dev/proxy-protocol": "required" } } },
      {},
    ],
    [
      "a wildcard and an address",
      { addresses: [{ value: "0.0.0.0" }] },
      { addresses: [{ value: "10.0.0.5" }] },
    ],
  ])("cannot share %s: the first name keeps it", (_, a, b) => {
    const compiled = new CompiledGateways([shop, second(b), first(a)], machine);
    expect(compiled.conditions("Gateway", "default/a")).toMatchObject({ Accepted: "True Accepted" });
    expect(compiled.conditions("Gateway", "default/b", "http")).toMatchObject({
      Accepted: "False PortUnavailable",
      Conflicted: "False NoConflicts",
      Programmed: "False Invalid",
    });
    expect(compiled.gateway("default/b").listeners).toEqual([]);
  });

  test.each([
    ["HTTP, which is merged by hostname", {}, {}],
    [
      "TCP and UDP",
      { listeners: [{ ...http, protocol: "TCP" }] },
      { listeners: [{ ...http, protocol: "UDP" }] },
    ],
    ["TLS by server name", { listeners: [{ ...https, hostname: "a.example" }] }, { listeners: [https] }],
  ])("share %s", (_, a, b) => {
    const compiled = new CompiledGateways([shop, first(a), second(b)], machine);
    expect(compiled.gateway("default/b").listeners).toHaveLength(1);
  });

  test("apart from each other have everything to themselves", () => {
    const tcp = { listeners: [{ ...http, protocol: "TCP" }] };
    const compiled = new CompiledGateways(
      [
        first({ ...tcp, addresses: [{ value: "10.0.0.5" }] }),
        second({ ...tcp, addresses: [{ value: "fd00::5" }] }),
      ],
      machine,
    );
    expect(compiled.gateway("default/b").listeners).toHaveLength(1);
  });

  test("one that was refused takes nothing from the next", () => {
    const compiled = new CompiledGateways([
      first({}),
      second({ listeners: [{ ...http, protocol: "TCP" }] }),
      gateway({ name: "c" }, {}),
    ]);
    expect(compiled.gateway("default/b").listeners).toEqual([]);
    expect(compiled.gateway("default/c").listeners).toHaveLength(1);
    compiled.compiler.apply({ removed: [{ kind: "Gateway", namespace: "default", name: "a" }] });
    expect(compiled.gateway("default/b").listeners).toHaveLength(1);
    expect(compiled.gateway("default/c").listeners).toEqual([]);
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

describe("client certificates", () => {
  const ca = configMap({ name: "ca" }, { "ca.crt": shopPair.certificate });
  const frontend = (reference: object, mode = "AllowValidOnly") => ({
    default: { validation: { mode, caCertificateRefs: [{ group: "", kind: "ConfigMap", ...reference }] } },
  });
  const withFrontend = (value: object, ...objects: ReturnType<typeof edge>[]) =>
    new CompiledGateways([shop, edge({ listeners: [http, https], tls: { frontend: value } }), ...objects]);

  test("are checked by listeners of HTTPS and by no others", () => {
    const compiled = withFrontend(frontend({ name: "ca" }), ca);
    const [plain, secure] = compiled.gateway("default/edge").listeners;
    expect(plain?.tls).toBeUndefined();
    expect(secure?.tls?.clients?.caPem.trim()).toBe(shopPair.certificate.trim());
    expect(secure?.tls?.clients?.mode).toBe(1);
    expect(compiled.conditions("Gateway", "default/edge")).not.toHaveProperty(
      "InsecureFrontendValidationMode",
    );
  });

  test.each([
    ["InvalidCACertificateRef", { name: "missing" }],
    ["InvalidCACertificateRef", { name: "empty" }],
    ["InvalidCACertificateRef", { name: "broken" }],
    ["InvalidCACertificateKind", { kind: "Service", name: "ca" }],
    ["RefNotPermitted", { name: "ca", namespace: "elsewhere" }],
  ])("that nothing can check are not asked for, and nobody comes in: %s", (reason, reference) => {
    const compiled = withFrontend(
      frontend(reference),
      configMap({ name: "empty" }, {}),
      configMap(
        { name: "broken" },
        { "ca.crt": "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----" },
      ),
      configMap({ name: "ca", namespace: "elsewhere" }, { "ca.crt": shopPair.certificate }),
    );
    expect(compiled.conditions("Gateway", "default/edge", "https")).toEqual({
      Accepted: "False NoValidCACertificate",
      Conflicted: "False NoConflicts",
      ResolvedRefs: `False ${reason}`,
      Programmed: "False Invalid",
    });
    expect(compiled.conditions("Gateway", "default/edge", "http")).toMatchObject({
      Programmed: "True Programmed",
    });
    expect(compiled.gateway("default/edge").listeners.map(({ name }) => name)).toEqual(["http"]);
  });

  test("are checked by what can be read where one reference of several cannot", () => {
    const both = {
      default: {
        validation: {
          caCertificateRefs: ["missing", "ca"].map((name) => ({ group: "", kind: "ConfigMap", name })),
        },
      },
    };
    const compiled = withFrontend(both, ca);
    expect(compiled.conditions("Gateway", "default/edge", "https")).toMatchObject({
      Accepted: "True Accepted",
      ResolvedRefs: "False InvalidCACertificateRef",
      Programmed: "True Programmed",
    });
  });

  test("of another namespace's authority are checked where a grant says so", () => {
    const compiled = withFrontend(
      frontend({ name: "ca", namespace: "elsewhere" }),
      configMap({ name: "ca", namespace: "elsewhere" }, { "ca.crt": shopPair.certificate }),
      grant("elsewhere", { kind: "Gateway" }, { kind: "ConfigMap" }),
    );
    expect(compiled.conditions("Gateway", "default/edge", "https")).toMatchObject({
      Programmed: "True Programmed",
    });
  });

  test("are checked by the port's own rule where it has one", () => {
    const compiled = withFrontend(
      { ...frontend({ name: "missing" }), perPort: [{ port: 443, tls: {} }] },
      ca,
    );
    expect(compiled.gateway("default/edge").listeners[1]?.tls?.clients).toBeUndefined();
    expect(compiled.conditions("Gateway", "default/edge", "https")).toMatchObject({
      Programmed: "True Programmed",
    });
  });

  test("that need not be valid are told of", () => {
    const compiled = withFrontend(frontend({ name: "ca" }, "AllowInsecureFallback"), ca);
    expect(compiled.conditions("Gateway", "default/edge")).toMatchObject({
      InsecureFrontendValidationMode: "True ConfigurationChanged",
    });
    expect(compiled.gateway("default/edge").listeners[1]?.tls?.clients?.mode).toBe(2);
  });

  test("follow their ConfigMap", () => {
    const compiled = withFrontend(frontend({ name: "ca" }));
    expect(compiled.gateway("default/edge").listeners).toHaveLength(1);
    compiled.compiler.apply({ upserted: [ca] });
    expect(compiled.gateway("default/edge").listeners).toHaveLength(2);
  });
});

describe("the certificate that a Gateway shows to backends", () => {
  const backend = (reference: object) =>
    new CompiledGateways([shop, edge({ tls: { backend: { clientCertificateRef: reference } } })]);

  test("travels with it", () => {
    const { clientCertificate, certificates } = backend({ name: "shop" }).gateway("default/edge");
    expect(clientCertificate).toBe("default/shop");
    expect(certificates).toEqual(["default/shop"]);
  });

  test.each([
    ["InvalidClientCertificateRef", { name: "missing" }],
    ["InvalidClientCertificateRef", { kind: "ConfigMap", name: "shop" }],
    ["RefNotPermitted", { name: "shop", namespace: "elsewhere" }],
  ])("that is not there: %s, and the Gateway is accepted", (reason, reference) => {
    expect(backend(reference).conditions("Gateway", "default/edge")).toMatchObject({
      Accepted: "True Accepted",
      ResolvedRefs: `False ${reason}`,
    });
  });
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
