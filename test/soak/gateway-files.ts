/** The gateway of a soak: HTTP and TCP in front of three upstreams. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { freePort } from "../conformance/free-port.ts";
import type { Upstreams } from "./upstreams.ts";

export interface SoakPorts {
  readonly http: number;
  readonly tcp: number;
}

export function writeGateway(folder: string, upstreams: Upstreams): SoakPorts {
  const ports = { http: freePort(), tcp: freePort() };
  const documents = [
    {
      apiVersion: "gateway.networking.k8s.io/v1",
      kind: "Gateway",
      metadata: { name: "soak" },
      spec: {
        gatewayClassName: "weft",
        listeners: [
          { name: "http", port: ports.http, protocol: "HTTP" },
          { name: "tcp", port: ports.tcp, protocol: "TCP" },
        ],
      },
    },
    route("HTTPRoute", "http", [
      { matches: [{ path: { type: "PathPrefix", value: "/h2" } }], backendRefs: [{ name: "h2", port: 80 }] },
      { backendRefs: [{ name: "h1", port: 80 }] },
    ]),
    route("TCPRoute", "tcp", [{ backendRefs: [{ name: "tcp", port: 80 }] }]),
    ...service("h1", upstreams.http1, "http"),
    ...service("h2", upstreams.http2, "kubernetes.io/h2c"),
    ...service("tcp", upstreams.tcp, "tcp"),
    {
      apiVersion: "weft.dev/v1alpha1",
      kind: "MeshConfig",
      metadata: { name: "mesh" },
      spec: { accessLog: false },
    },
  ];
  // JSON is YAML.
  writeFileSync(join(folder, "soak.yaml"), documents.map((each) => JSON.stringify(each)).join("\n---\n"));
  return ports;
}

function route(kind: string, section: string, rules: readonly object[]): object {
  return {
    apiVersion: "gateway.networking.k8s.io/v1",
    kind,
    metadata: { name: section },
    spec: { parentRefs: [{ name: "soak", sectionName: section }], rules },
  };
}

function service(name: string, port: number, appProtocol: string): object[] {
  return [
    { apiVersion: "v1", kind: "Service", metadata: { name }, spec: { ports: [{ port: 80, appProtocol }] } },
    {
      apiVersion: "discovery.k8s.io/v1",
      kind: "EndpointSlice",
      metadata: { name, labels: { "kubernetes.io/service-name": name } },
      addressType: "IPv4",
      endpoints: [{ addresses: ["127.0.0.1"] }],
      ports: [{ port }],
    },
  ];
}
