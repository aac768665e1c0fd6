/** Where Gateways listen: addresses that the machine has and has not, and Gateways that meet at one. */
import { describe, expect, test } from "bun:test";
import { shopPair } from "./test/certificates.ts";
import { CompiledGateways, gateway, secret } from "./test/gateway-status.ts";

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
