/**
 * What stands in every configuration: two namespaces with servers and clients, a gateway, and Services that are each told apart
 * by the port of the workload to which they send.
 */
import type { Applied, Gateway, Service, Workload } from "./applied.ts";

/** Ports of the applications behind a Service: of HTTP/1.1, and of gRPC (HTTP/2 by prior knowledge). */
export interface TargetPorts {
  readonly http: number;
  readonly grpc: number;
}

export const gateway = "shop/door";
export const gatewayPorts = [8_080, 8_081] as const;
/** Of every Service: its number, and which application it is for. */
export const servicePorts = { http: 80, grpc: 90 } as const;

/** Which workload each Service is of; nobody stands behind `shop/none`. */
export const workloadOf = {
  "shop/front": "shop/w1",
  "shop/one": "shop/w1",
  "shop/two": "shop/w1",
  "data/three": "data/w2",
  "data/four": "data/w2",
  "shop/none": "",
} as const;
export type ServiceName = keyof typeof workloadOf;
export const serviceNames = Object.keys(workloadOf).filter((each): each is ServiceName => each in workloadOf);

export const clients = ["shop/client", "data/client"] as const;

export type World = Readonly<Record<ServiceName, TargetPorts>>;

/** Where no application runs. */
export const imaginedWorld: World = {
  "shop/front": { http: 9_001, grpc: 9_101 },
  "shop/one": { http: 9_002, grpc: 9_102 },
  "shop/two": { http: 9_003, grpc: 9_103 },
  "data/three": { http: 9_004, grpc: 9_104 },
  "data/four": { http: 9_005, grpc: 9_105 },
  "shop/none": { http: 9_006, grpc: 9_106 },
};

function named(path: string): { readonly namespace: string; readonly name: string } {
  const [namespace = "", name = ""] = path.split("/");
  return { namespace, name };
}

/** Beside workloads, which in a running mesh come with their proxies. */
export function worldObjects(world: World): Applied[] {
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
    ...serviceNames.map((path) => serviceObject(path, world[path])),
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

function serviceObject(path: ServiceName, { http, grpc }: TargetPorts): Service {
  const app = workloadOf[path];
  return {
    apiVersion: "v1",
    kind: "Service",
    metadata: named(path),
    spec: {
      selector: { app: app === "" ? "nobody" : named(app).name },
      ports: [
        { name: "http", port: servicePorts.http, appProtocol: "http", targetPort: http },
        { name: "grpc", port: servicePorts.grpc, appProtocol: "grpc", targetPort: grpc },
      ],
    },
  };
}

/** Of servers and clients, with the ports that are declared by them. */
export function workloadParts(world: World) {
  const server = (path: string, serviceAccount: string) => ({
    ...{ path, serviceAccount, labels: { app: named(path).name, tier: "server" } },
    ports: serviceNames
      .filter((each) => workloadOf[each] === path)
      .flatMap((each) => [
        { port: world[each].http, name: `http-${world[each].http}`, protocol: "http" },
        { port: world[each].grpc, name: `grpc-${world[each].grpc}`, protocol: "grpc" },
      ]),
  });
  const client = (path: string, serviceAccount: string) => ({
    ...{ path, serviceAccount, labels: { app: "client" }, ports: [] },
  });
  return [
    server("shop/w1", "w1"),
    server("data/w2", "w2"),
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
