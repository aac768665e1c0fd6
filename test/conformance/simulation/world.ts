/**
 * What stands in every configuration: two namespaces with servers and clients, a gateway, and Services that are each told apart
 * by the port of the workload to which they send.
 */
import type { Applied, Gateway, Service, Workload } from "./applied.ts";

/** Ports of one application behind a Service: of HTTP/1.1, and of gRPC (HTTP/2 by prior knowledge). */
interface TargetPorts {
  readonly http: number;
  readonly grpc: number;
}

export const gateway = "shop/door";
export const gatewayPorts = [8_080, 8_081] as const;
/** Of every Service: its number, and which application it is for. */
export const servicePorts = { http: 80, grpc: 90 } as const;

/** Which workloads each Service is of; nobody stands behind `shop/none`, and mirrors alone send to those named `copy`. */
const workloadsOf = {
  "shop/front": ["shop/w1", "shop/w1b"],
  "shop/one": ["shop/w1", "shop/w1b"],
  "shop/two": ["shop/w1", "shop/w1b"],
  "data/three": ["data/w2"],
  "data/four": ["data/w2"],
  "shop/none": [],
  "shop/copy": ["shop/w1", "shop/w1b"],
  "data/copy": ["data/w2"],
} as const;
export type ServiceName = keyof typeof workloadsOf;
export const serviceNames = Object.keys(workloadsOf).filter(
  (each): each is ServiceName => each in workloadsOf,
);

export const clients = ["shop/client", "data/client"] as const;

/** By Service, of each of its workloads. Services find them by the ports' names, so that each has numbers of its own. */
export type World = Readonly<Record<ServiceName, readonly TargetPorts[]>>;

/** Paths of its workloads, in the order of the world's list. */
export function placesOf(service: ServiceName): readonly string[] {
  return workloadsOf[service];
}

/** Where no application runs. */
export const imaginedWorld: World = {
  "shop/front": imaginedPorts(1, 2),
  "shop/one": imaginedPorts(2, 2),
  "shop/two": imaginedPorts(3, 2),
  "data/three": imaginedPorts(4, 1),
  "data/four": imaginedPorts(5, 1),
  "shop/none": [],
  "shop/copy": imaginedPorts(6, 2),
  "data/copy": imaginedPorts(7, 1),
};

function imaginedPorts(first: number, count: number): TargetPorts[] {
  return Array.from({ length: count }, (_, i) => ({
    http: 9_000 + first + 10 * i,
    grpc: 9_100 + first + 10 * i,
  }));
}

export function isCopy(backend: string): boolean {
  return /\/copy:\d+$/.test(backend);
}

function portName(service: ServiceName, protocol: keyof TargetPorts): string {
  return `${named(service).name}-${protocol}`;
}

function named(path: string): { readonly namespace: string; readonly name: string } {
  const [namespace = "", name = ""] = path.split("/");
  return { namespace, name };
}

/** Beside workloads, which in a running mesh come with their proxies. */
export function worldObjects(): Applied[] {
  return [
    ...["shop", "data", "weft-system"].map(
      (name): Applied => ({ apiVersion: "v1", kind: "Namespace", metadata: { name } }),
    ),
    ...["shop/w1", "data/w2", "shop/web", "data/batch", "weft-system/gateway"].map(
      (path): Applied => ({ apiVersion: "v1", kind: "ServiceAccount", metadata: named(path) }),
    ),
    {
      apiVersion: "gateway.networking.k8s.io/v1",
      kind: "GatewayClass",
      metadata: { name: "weft" },
      spec: { controllerName: "weft.dev/gateway-controller" },
    },
    doorObject,
    ...serviceNames.map((path) => serviceObject(path)),
  ];
}

const doorObject: Gateway = {
  apiVersion: "gateway.networking.k8s.io/v1",
  kind: "Gateway",
  metadata: named(gateway),
  spec: {
    gatewayClassName: "weft",
    listeners: [
      { name: "any", port: 8_080, protocol: "HTTP", allowedRoutes: { namespaces: { from: "All" } } },
      { name: "shop", port: 8_080, protocol: "HTTP", hostname: "*.shop.test" },
      {
        name: "admin",
        port: 8_081,
        protocol: "HTTP",
        hostname: "admin.shop.test",
        allowedRoutes: { namespaces: { from: "All" } },
      },
    ],
  },
};

function serviceObject(path: ServiceName): Service {
  const [app] = workloadsOf[path];
  return {
    apiVersion: "v1",
    kind: "Service",
    metadata: named(path),
    spec: {
      selector: { app: app === undefined ? "nobody" : named(app).name },
      ports: [
        { name: "http", port: servicePorts.http, appProtocol: "http", targetPort: portName(path, "http") },
        { name: "grpc", port: servicePorts.grpc, appProtocol: "grpc", targetPort: portName(path, "grpc") },
      ],
    },
  };
}

/** Of servers and clients, with the ports that are declared by them. */
export function workloadParts(world: World) {
  const server = (path: string, serviceAccount: string, version: string) => ({
    ...{ path, serviceAccount, labels: { app: serviceAccount, tier: "server", version } },
    ports: serviceNames.flatMap((service) => {
      const ports = world[service][placesOf(service).indexOf(path)];
      if (ports === undefined) return [];
      return [
        { port: ports.http, name: portName(service, "http"), protocol: "http" },
        { port: ports.grpc, name: portName(service, "grpc"), protocol: "grpc" },
      ];
    }),
  });
  const client = (path: string, serviceAccount: string) => ({
    ...{ path, serviceAccount, labels: { app: "client" }, ports: [] },
  });
  return [
    server("shop/w1", "w1", "a"),
    server("shop/w1b", "w1", "b"),
    server("data/w2", "w2", "a"),
    client("shop/client", "web"),
    client("data/client", "batch"),
  ];
}

/** As their proxies would write them. */
export function workloadObjects(world: World): Workload[] {
  return workloadParts(world).map(({ path, serviceAccount, labels, ports }, index) => ({
    apiVersion: "weft.dev/v1alpha1",
    kind: "MeshWorkload",
    metadata: { ...named(path), labels },
    spec: { serviceAccount, addresses: [`10.9.0.${index + 1}`], ports },
  }));
}
