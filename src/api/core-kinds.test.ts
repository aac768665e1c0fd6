/** The kinds of Kubernetes' core and of the mesh itself: their defaults, and what each refuses. */
import { describe, expect, test } from "bun:test";
import { printerCells } from "./kinds.ts";
import { issuesOf, parsed, parsedAs } from "./testing/parsing.ts";

const service = (spec: unknown): unknown => ({
  apiVersion: "v1",
  kind: "Service",
  metadata: { name: "s" },
  spec,
});
const workload = (spec: unknown): unknown => ({
  apiVersion: "weft.dev/v1alpha1",
  kind: "MeshWorkload",
  metadata: { name: "w" },
  spec,
});
const meshConfig = (spec: unknown): unknown => ({
  apiVersion: "weft.dev/v1alpha1",
  kind: "MeshConfig",
  metadata: { name: "mesh" },
  spec,
});
const slice = (fields: object): unknown => ({
  apiVersion: "discovery.k8s.io/v1",
  kind: "EndpointSlice",
  metadata: { name: "e" },
  ...fields,
});
const secret = (fields: object): unknown => ({
  apiVersion: "v1",
  kind: "Secret",
  metadata: { name: "x" },
  ...fields,
});

describe("Service", () => {
  test("has Kubernetes' defaults", () => {
    const object = parsedAs("Service", service({ ports: [{ port: 80, targetPort: "web" }] }));
    expect(object.spec).toEqual({
      ports: [{ port: 80, targetPort: "web", protocol: "TCP" }],
      type: "ClusterIP",
      sessionAffinity: "None",
    });
    expect(printerCells(object)).toEqual(["ClusterIP", "<none>", "80/TCP", "<none>"]);
  });

  test.each([
    [{}, "spec.ports: must have at least 1 item"],
    [
      { ports: [{ port: 1, name: "a" }, { port: 2 }] },
      "spec.ports[1].name: is required where there is more than one port",
    ],
    [
      {
        ports: [
          { port: 1, name: "a" },
          { port: 2, name: "a" },
        ],
      },
      "spec.ports[1].name: another port is named a",
    ],
    [
      {
        ports: [
          { port: 1, name: "a" },
          { port: 1, name: "b" },
        ],
      },
      "spec.ports[1].port: port 1/TCP is listed twice",
    ],
    [
      { ports: [{ port: 1, targetPort: 0 }] },
      "spec.ports[0].targetPort: must be a port number (1 to 65535) or the name of a workload's port",
    ],
    [
      { ports: [{ port: 1, targetPort: true }] },
      "spec.ports[0].targetPort: must be a port number (1 to 65535) or the name of a workload's port",
    ],
    [{ ports: [{ port: 1 }], clusterIP: "nowhere" }, "spec.clusterIP: must be an IP address or None"],
    [
      { ports: [{ port: 1 }], clusterIP: "10.0.0.1", clusterIPs: ["10.0.0.2"] },
      "spec.clusterIPs[0]: must be the same as spec.clusterIP",
    ],
    [{ type: "ExternalName" }, "spec.externalName: is required where type is ExternalName"],
    [{ ports: [{ port: "80" }] }, "spec.ports[0].port: must be a whole number"],
  ])("refuses %j", (spec, issue) => {
    expect(issuesOf(service(spec))).toEqual([issue]);
  });

  test("may be headless and without ports", () => {
    expect(issuesOf(service({ clusterIP: "None" }))).toEqual([]);
  });
});

describe("MeshWorkload", () => {
  test("has defaults for all but its addresses", () => {
    expect(
      parsedAs("MeshWorkload", workload({ addresses: ["10.77.0.2"], ports: [{ port: 80 }] })).spec,
    ).toEqual({
      serviceAccount: "default",
      addresses: ["10.77.0.2"],
      ports: [{ port: 80, protocol: "auto" }],
      tunnel: { type: "weft", port: 15008 },
      locality: {},
    });
  });

  test.each([
    [{}, "spec.addresses: is required"],
    [{ addresses: ["host"] }, "spec.addresses[0]: must be an IP address"],
    [{ addresses: ["::1", "::1"] }, "spec.addresses: must not hold the same item twice"],
    [{ addresses: ["::1"], tunnel: { address: "x.y" } }, "spec.tunnel.address: must be an IP address"],
    [{ addresses: ["::1"], ports: [{ port: 1 }, { port: 1 }] }, "spec.ports[1].port: 1 is listed twice"],
  ])("refuses %j", (spec, issue) => {
    expect(issuesOf(workload(spec))).toEqual([issue]);
  });

  test.each([
    [{ connected: true, health: "Healthy" }, "Healthy"],
    [{ connected: true, draining: true }, "Draining"],
    [{ connected: false }, "Disconnected"],
    [undefined, "Unknown"],
  ])("shows status %j as %s", (status, cell) => {
    const object = parsed({ ...Object(workload({ addresses: ["::1"] })), status });
    expect(printerCells(object)[3]).toBe(cell);
  });
});

describe("MeshConfig", () => {
  test("is complete without a word from the operator", () => {
    expect(parsedAs("MeshConfig", meshConfig({})).spec).toMatchObject({
      virtualIpCidrs: ["240.240.0.0/16", "fd77:6565:6674::/64"],
      outboundTraffic: "deny",
      discovery: { timeout: "2s" },
      leaseSeconds: 5,
    });
  });

  test.each([
    [
      { virtualIpCidrs: ["10.0.0.1/8"] },
      "spec.virtualIpCidrs[0]: must be a prefix without host bits, such as 10.0.0.0/8",
    ],
    [{ outboundTraffic: "maybe" }, "spec.outboundTraffic: must be one of allow, deny"],
    [{ drainTimeout: "25h" }, "spec.drainTimeout: must not be longer than 24h"],
    [{ leaseSeconds: 0.5 }, "spec.leaseSeconds: must be a whole number"],
  ])("refuses %j", (spec, issue) => {
    expect(issuesOf(meshConfig(spec))).toEqual([issue]);
  });

  test("is only ever named mesh", () => {
    expect(issuesOf({ ...Object(meshConfig({})), metadata: { name: "other" } })).toEqual([
      'metadata.name: must be "mesh"',
    ]);
  });
});

describe("EndpointSlice", () => {
  test("takes Kubernetes' own, and refuses addresses of another family", () => {
    const endpoints = [
      { addresses: ["10.0.0.1"], conditions: { ready: true }, nodeName: "n", zone: "z" },
      { addresses: ["::1"] },
    ];
    expect(issuesOf(slice({ addressType: "IPv4", endpoints, ports: [{ name: "", port: 80 }] }))).toEqual([
      "endpoints[1].addresses[0]: must be an IPv4 address",
    ]);
  });
});

describe("Secret and ConfigMap", () => {
  test("stringData is folded into data and gone", () => {
    const object = parsedAs("Secret", secret({ data: { a: "YQ==", b: "Yg==" }, stringData: { b: "new" } }));
    expect(object.data).toEqual({ a: "YQ==", b: "bmV3" });
    expect(object.stringData).toBeUndefined();
  });

  test.each([
    [secret({ data: { a: "not base64" } }), "data.a: must be base64 (RFC 4648)"],
    [
      secret({ data: { "a/b": "" } }),
      "data[a/b]: its key must be letters, digits, '-', '_' and '.', such as tls.crt",
    ],
    [
      secret({ type: "kubernetes.io/tls", data: { "tls.crt": "" } }),
      "data[tls.key]: is required in a Secret of type kubernetes.io/tls",
    ],
    [
      { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "c" }, data: { a: "x".repeat(1_048_577) } },
      "data: must not hold more than 1048576 bytes",
    ],
    [
      {
        apiVersion: "v1",
        kind: "ConfigMap",
        metadata: { name: "c" },
        data: { a: "" },
        binaryData: { a: "" },
      },
      "binaryData[a]: the key is also in data",
    ],
  ])("refuses a faulty one (%#)", (input, issue) => {
    expect(issuesOf(input)).toEqual([issue]);
  });

  test("no issue repeats the content of a Secret", () => {
    expect(issuesOf(secret({ data: { a: "hunter2!" }, type: 5 })).join()).not.toContain("hunter2");
  });
});
