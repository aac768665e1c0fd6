/** Where scenarios run: what both kinds of places have in common, and the objects that stand in each of them from the start. */
import type { Backend } from "./backends.ts";
import { otherRootPem, rootPem, serverCertificates } from "./certificates.ts";
import type { Place } from "./client.ts";
import type { EnvironmentName, RequestSpec } from "./scenario.ts";

export interface Environment extends AsyncDisposable {
  readonly name: EnvironmentName;
  /** Exactly these from now on, beside the base; resolves when they are live. */
  become(objects: readonly unknown[]): Promise<void>;
  placeOf(request: RequestSpec): Place;
  /** Undefined: this place has no statuses. */
  status(kind: string, namespace: string, name: string): Promise<unknown>;
  /** Texts in objects that stand for what differs from place to place, such as `${gateway1}`; `${v1.http}` is a port of `v1`'s. */
  readonly names: Readonly<Record<string, string>>;
  logs(): string;
}

export interface Backends {
  readonly meshed: readonly Backend[];
  /** In namespace `other`, outside of the mesh. */
  readonly other: Backend;
}

/** What proxies' resolver knows: `outside.test` is this machine. */
export const dnsZone = { names: { "outside.test": ["127.0.0.1"] }, ttlSeconds: 5 };

export const gatewayApi = "gateway.networking.k8s.io/v1";

/** Ports of the services `v1`, `v2`, `v3`, `web` (which is `v1`'s), `all` (which is that of all three) and `other/v4`. */
export const servicePorts = [
  { name: "http", port: 80, appProtocol: "http", target: "http" },
  { name: "h2c", port: 81, appProtocol: "kubernetes.io/h2c", target: "h2c" },
  { name: "grpc", port: 82, appProtocol: "grpc", target: "h2c" },
  { name: "tcp", port: 83, appProtocol: "tcp", target: "tcp" },
  { name: "ws", port: 84, appProtocol: "kubernetes.io/ws", target: "http" },
] as const;

export function objectKey(object: unknown): { kind: string; namespace: string; name: string } {
  const { kind, metadata } = Object(object);
  const { namespace, name } = Object(metadata);
  const isNamespaced = !["Namespace", "GatewayClass", "MeshConfig"].includes(String(kind));
  return {
    kind: String(kind),
    namespace: isNamespaced ? String(namespace ?? "default") : "",
    name: String(name),
  };
}

/** What stands beside every scenario's objects; services of workloads are the environment's. */
export function baseObjects({ meshed, other }: Backends): object[] {
  const [first, second] = meshed;
  if (first === undefined || second === undefined) throw new Error("two backends at least");
  return [
    ...["default", "other", "consumer"].map((name) => ({
      apiVersion: "v1",
      kind: "Namespace",
      metadata: { name, labels: { set: name } },
    })),
    ...sliceService("v4", [other], "other"),
    ...[first, second].flatMap((backend, index) => [
      ...single(`udp${index + 1}`, { port: 53, protocol: "UDP" }, backend.ports.udp),
      ...single(`tls${index + 1}`, { port: 443, protocol: "TCP", appProtocol: "http" }, backend.ports.https),
      ...single(`raw${index + 1}`, { port: 443, protocol: "TCP", appProtocol: "https" }, backend.ports.https),
    ]),
    ...[...serverCertificates].map(([name, { identity }]) => ({
      apiVersion: "v1",
      kind: "Secret",
      metadata: { name, namespace: "default" },
      type: "kubernetes.io/tls",
      data: {
        "tls.crt": Buffer.from(identity.certChainPem).toString("base64"),
        "tls.key": Buffer.from(identity.privateKeyPem).toString("base64"),
      },
    })),
    ...Object.entries({ ca: rootPem, "ca-other": otherRootPem }).map(([name, pem]) => ({
      apiVersion: "v1",
      kind: "ConfigMap",
      metadata: { name, namespace: "default" },
      data: { "ca.crt": pem },
    })),
  ];
}

/** A service of applications outside of the mesh. */
export function sliceService(name: string, backends: readonly Backend[], namespace = "default"): object[] {
  return [
    {
      apiVersion: "v1",
      kind: "Service",
      metadata: { name, namespace },
      spec: {
        ports: servicePorts.map(({ name: portName, port, appProtocol }) => ({
          name: portName,
          port,
          appProtocol,
        })),
      },
    },
    ...backends.map((backend) => ({
      apiVersion: "discovery.k8s.io/v1",
      kind: "EndpointSlice",
      metadata: {
        name: `${name}-${backend.name}`,
        namespace,
        labels: { "kubernetes.io/service-name": name },
      },
      addressType: "IPv4",
      endpoints: [{ addresses: ["127.0.0.1"] }],
      ports: servicePorts.map((port) => ({ name: port.name, port: backend.ports[port.target] })),
    })),
  ];
}

function single(
  name: string,
  port: { readonly port: number; readonly protocol: string; readonly appProtocol?: string },
  target: number,
): object[] {
  return [
    {
      apiVersion: "v1",
      kind: "Service",
      metadata: { name, namespace: "default" },
      spec: { ports: [{ name: "main", ...port }] },
    },
    {
      apiVersion: "discovery.k8s.io/v1",
      kind: "EndpointSlice",
      metadata: { name, namespace: "default", labels: { "kubernetes.io/service-name": name } },
      addressType: "IPv4",
      endpoints: [{ addresses: ["127.0.0.1"] }],
      ports: [{ name: "main", port: target, protocol: port.protocol }],
    },
  ];
}

/** `gateway` is the first address, `gateway/1` the next. */
export function gatewayNumber(to: string): number | undefined {
  const match = /^gateway(?:\/(\d))?$/.exec(to);
  return match === null ? undefined : Number(match[1] ?? 0);
}
