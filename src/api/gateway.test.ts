/** Gateways: the defaults of Gateway API, and listeners and addresses that are refused. */
import { describe, expect, test } from "bun:test";
import { issuesOf, parsedAs } from "./testing/parsing.ts";

const http = { name: "http", port: 8080, protocol: "HTTP" };

function gateway(listeners: unknown[], more: object = {}): unknown {
  return {
    apiVersion: "gateway.networking.k8s.io/v1",
    kind: "Gateway",
    metadata: { name: "g" },
    spec: { gatewayClassName: "weft", listeners, ...more },
  };
}

describe("Gateway", () => {
  test("fills in the defaults of Gateway API, and a status that waits for the controller", () => {
    const object = parsedAs(
      "Gateway",
      gateway([http, { name: "tls", port: 443, protocol: "TLS", tls: { mode: "Passthrough" } }]),
    );
    expect(object.spec.listeners[0]).toEqual({ ...http, allowedRoutes: { namespaces: { from: "Same" } } });
    expect(object.status?.conditions?.map((each) => [each.type, each.status])).toEqual([
      ["Accepted", "Unknown"],
      ["Programmed", "Unknown"],
    ]);
  });

  test.each([
    [[], "spec.listeners: must have at least 1 item"],
    [[http, { ...http, port: 81 }], "spec.listeners[1].name: another listener is named http"],
    [
      [http, { ...http, name: "b" }],
      "spec.listeners[1]: combination of port, protocol and hostname must be unique for each listener",
    ],
    [
      [{ ...http, tls: { certificateRefs: [{ name: "c" }] } }],
      "spec.listeners[0].tls: must not be set for protocol HTTP",
    ],
    [
      [{ ...http, protocol: "TCP", hostname: "a.b" }],
      "spec.listeners[0].hostname: must not be set for protocol TCP",
    ],
    [[{ ...http, protocol: "TLS" }], "spec.listeners[0].tls: is required for protocol TLS"],
    [
      [{ ...http, protocol: "HTTPS", tls: { mode: "Passthrough" } }],
      "spec.listeners[0].tls.mode: must be Terminate for protocol HTTPS",
    ],
    [
      [{ ...http, protocol: "HTTPS", tls: {} }],
      "spec.listeners[0].tls.certificateRefs: certificateRefs or options must be set where mode is Terminate",
    ],
    [[{ ...http, port: 0 }], "spec.listeners[0].port: must be 1 or more"],
  ])("refuses listeners %j", (listeners, issue) => {
    expect(issuesOf(gateway(listeners))).toContain(issue);
  });

  test("checks addresses by their type", () => {
    const addresses = [
      { value: "nowhere" },
      { type: "Hostname", value: "A" },
      { value: "10.0.0.1" },
      { value: "10.0.0.1" },
    ];
    expect(issuesOf(gateway([http], { addresses }))).toEqual([
      "spec.addresses[0].value: must be an IP address",
      "spec.addresses[1].value: must be a lower-case host name such as shop.example.com or *.example.com",
      "spec.addresses[3].value: IPAddress values must be unique",
    ]);
  });
});
