/** ExternalServices: defaults, what is refused, and with which words. */
import { describe, expect, test } from "bun:test";
import { issuesOf, parsedAs } from "./testing/parsing.ts";

function external(spec: object): unknown {
  return { apiVersion: "weft.dev/v1alpha1", kind: "ExternalService", metadata: { name: "api" }, spec };
}

const port = { port: 443, protocol: "TLS" };

describe("ExternalService", () => {
  test("fills in what is left out", () => {
    const { spec } = parsedAs(
      "ExternalService",
      external({
        hosts: ["api.example.com"],
        ports: [{ port: 443 }],
        endpoints: [{ address: "eu.example.com" }],
      }),
    );
    expect(spec).toEqual({
      hosts: ["api.example.com"],
      addresses: [],
      ports: [{ port: 443, protocol: "TCP" }],
      resolution: "DNS",
      endpoints: [{ address: "eu.example.com", weight: 1, locality: {}, priority: 0 }],
    });
  });

  test.each([
    { hosts: ["*.example.com"], ports: [port], resolution: "None" },
    { addresses: ["192.0.2.0/24", "2001:db8::/32"], ports: [{ port: 5432 }], resolution: "None" },
    {
      hosts: ["a.example.com", "*.example.org"],
      ports: [{ port: 80, protocol: "HTTP", targetPort: 443 }],
      resolution: "None",
      tls: {},
    },
    {
      hosts: ["a.example.com", "b.example.com"],
      ports: [{ port: 80, protocol: "HTTP" }],
      resolution: "Static",
      endpoints: [
        { address: "2001:db8::1", ports: [{ port: 80, targetPort: 8443 }], priority: 1 },
        { address: "b.example.com", locality: { region: "eu", zone: "eu-1" }, weight: 0 },
      ],
      tls: {
        hostname: "a.example.com",
        caCertificateRefs: [{ group: "", kind: "ConfigMap", name: "roots" }],
      },
    },
  ])("takes %j", (spec) => {
    expect(issuesOf(external(spec))).toEqual([]);
  });

  test.each<[object, string]>([
    [{ ports: [port] }, "spec.hosts: a host is required where there are no addresses"],
    [{ hosts: ["a.org"] }, "spec.ports: is required"],
    [{ hosts: ["a.org"], ports: [] }, "spec.ports: must have at least 1 item"],
    [
      { hosts: ["192.0.2.1"], ports: [port] },
      "spec.hosts[0]: must be a name; IP addresses stand in spec.addresses",
    ],
    [
      { hosts: ["Api.example.com"], ports: [port] },
      "spec.hosts[0]: must be a lower-case host name such as shop.example.com or *.example.com",
    ],
    [
      { addresses: ["192.0.2.1/24"], ports: [port], resolution: "None" },
      "spec.addresses[0]: must be an IP address, or a prefix without host bits such as 192.0.2.0/24",
    ],
    [
      { hosts: ["a.org"], ports: [port, { port: 443, protocol: "HTTP" }] },
      "spec.ports[1].port: 443 is listed twice",
    ],
    [
      { hosts: ["a.org"], ports: [port], resolution: "Static" },
      "spec.endpoints: is required where resolution is Static",
    ],
    [
      { hosts: ["*.a.org"], ports: [port] },
      "spec.endpoints: is required where resolution is DNS, unless there is one host without a wildcard to be looked up; with resolution None each name leads to its own addresses",
    ],
    [
      { hosts: ["*.a.org"], ports: [{ port: 443 }], resolution: "None" },
      "spec.ports[0].protocol: TCP does not show which host is meant: resolution None needs spec.addresses, or another protocol",
    ],
    [
      { hosts: ["a.org"], ports: [port], resolution: "None", endpoints: [{ address: "192.0.2.1" }] },
      "spec.endpoints: must be absent where resolution is None",
    ],
    [
      { hosts: ["a.org"], ports: [port], endpoints: [{ address: "192.0.2.300" }] },
      "spec.endpoints[0].address: must be an IP address or a host name such as db.example.com",
    ],
    [
      {
        hosts: ["a.org"],
        ports: [port],
        endpoints: [{ address: "b.org", ports: [{ port: 80, targetPort: 81 }] }],
      },
      "spec.endpoints[0].ports[0].port: spec.ports has no 80",
    ],
    [
      { hosts: ["a.org"], ports: [port], tls: {} },
      "spec.tls: workloads encrypt themselves on every port of spec.ports",
    ],
    [
      {
        addresses: ["192.0.2.1"],
        ports: [{ port: 80, protocol: "HTTP" }],
        resolution: "None",
        tls: {},
      },
      "spec.tls.hostname: is required unless there is one host, or resolution None shows the name",
    ],
    [
      {
        hosts: ["a.org"],
        ports: [{ port: 80, protocol: "HTTP" }],
        tls: {
          wellKnownCACertificates: "System",
          caCertificateRefs: [{ group: "", kind: "ConfigMap", name: "a" }],
        },
      },
      "spec.tls.caCertificateRefs: must be absent where wellKnownCACertificates is given",
    ],
    [{ hosts: ["a.org"], ports: [port], virtualIPs: ["x1"] }, "spec.virtualIPs[0]: must be an IP address"],
  ])("refuses %j", (spec, issue) => {
    expect(issuesOf(external(spec))).toEqual([issue]);
  });
});

test("a Namespace can only be stricter than its mesh", () => {
  const namespace = (value: string): unknown => ({
    apiVersion: "v1",
    kind: "Namespace",
    metadata: { name: "shop", annotations: { "weft.dev/outbound-traffic": value } },
  });
  expect(issuesOf(namespace("deny"))).toEqual([]);
  expect(issuesOf(namespace("allow"))).toEqual([
    "metadata.annotations[weft.dev/outbound-traffic]: must be deny or absent; a namespace can only be stricter than its mesh",
  ]);
});
