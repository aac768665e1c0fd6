/**
 * The mesh that the bench makes up: services that depend on twenty others each, ten workloads behind every service, two of
 * them with a proxy. So a service always has forty subscribers, whatever the size of the mesh.
 */
import { type ApiObject, parseObject } from "../../src/api/index.ts";
import { clusterKey, endpointKey, outboundKey } from "../../src/model/index.ts";

export interface MeshShape {
  readonly proxies: number;
  readonly services: number;
  readonly endpointsPerService: number;
}

export interface MeshProxy {
  readonly index: number;
  readonly namespace: string;
  /** Also its service account: each has an identity of its own. */
  readonly name: string;
  readonly service: number;
  readonly dependencies: readonly number[];
}

/** What each proxy subscribes to. */
const dependenciesPerService = 20;
const proxiesPerService = 2;
const defaultEndpointsPerService = 10;
/** Teams of a company. */
const servicesPerNamespace = 50;
const servicePort = 80;
const leaseSeconds = 60;
/** The fewest of which a service can depend on twenty others. */
export const minProxies = (dependenciesPerService + 1) * proxiesPerService;

export function meshOf(proxies: number): MeshShape {
  return {
    proxies,
    services: Math.ceil(proxies / proxiesPerService),
    endpointsPerService: defaultEndpointsPerService,
  };
}

export function proxyOf({ services }: MeshShape, index: number): MeshProxy {
  const service = index % services;
  return {
    index,
    namespace: namespaceOf(service),
    name: `s${service}-${Math.floor(index / services)}`,
    service,
    dependencies: dependenciesOf(services, service),
  };
}

/** Spread over the whole mesh, so over many namespaces. */
function dependenciesOf(services: number, service: number): number[] {
  const stride = Math.floor(services / (dependenciesPerService + 1));
  return Array.from(
    { length: dependenciesPerService },
    (_, index) => (service + (index + 1) * stride) % services,
  );
}

function namespaceOf(service: number): string {
  return `team-${Math.floor(service / servicesPerNamespace)}`;
}

/** In the mesh's default prefix for virtual addresses. */
function virtualAddressOf(service: number): string {
  return `240.240.${(service + 1) >> 8}.${(service + 1) & 255}`;
}

/** `generation` gives the workload another address each time. */
export function workloadAddressOf(
  shape: MeshShape,
  service: number,
  replica: number,
  generation = 0,
): string {
  const number = service * shape.endpointsPerService + replica + 1;
  return `10.${77 + (generation % 100)}.${number >> 8}.${number & 255}`;
}

export function demandsOf({ namespace, dependencies }: MeshProxy): {
  readonly outbounds: string[];
  readonly names: string[];
  readonly addresses: string[];
} {
  return {
    outbounds: dependencies.map((service) =>
      outboundKey(namespaceOf(service), `s${service}`, servicePort, namespace),
    ),
    names: dependencies.map((service) => `s${service}.${namespaceOf(service)}.svc.cluster.local`),
    addresses: dependencies.map(virtualAddressOf),
  };
}

/** Key of the Endpoint that its workload is in its service's cluster. */
export function endpointOf({ namespace, name, service }: MeshProxy): string {
  return endpointKey(clusterKey(namespace, `s${service}`, servicePort), `${namespace}/${name}`);
}

export function labelsOf(service: number): Record<string, string> {
  return { app: `s${service}` };
}

/** While thousands of proxies come one after another, the last of them must not count as lost. */
export function meshConfigObject(): ApiObject {
  return object({
    apiVersion: "weft.dev/v1alpha1",
    kind: "MeshConfig",
    metadata: { name: "mesh" },
    spec: { leaseSeconds },
  });
}

export function namespaceObjects({ services }: MeshShape): ApiObject[] {
  const names = new Set(Array.from({ length: services }, (_, service) => namespaceOf(service)));
  return [...names].map((name) => object({ apiVersion: "v1", kind: "Namespace", metadata: { name } }));
}

export function serviceObject(service: number): ApiObject {
  return object({
    apiVersion: "v1",
    kind: "Service",
    metadata: { namespace: namespaceOf(service), name: `s${service}` },
    spec: {
      clusterIP: virtualAddressOf(service),
      clusterIPs: [virtualAddressOf(service)],
      selector: labelsOf(service),
      ports: [{ name: "http", port: servicePort, targetPort: 8080, appProtocol: "http" }],
    },
  });
}

/** As the registry writes them for proxies; the others have no proxy and are alive because they are there. */
export function workloadObject(shape: MeshShape, service: number, replica: number): ApiObject {
  const name = `s${service}-${replica}`;
  const hasProxy = replica * shape.services + service < shape.proxies;
  return object({
    apiVersion: "weft.dev/v1alpha1",
    kind: "MeshWorkload",
    metadata: {
      namespace: namespaceOf(service),
      name,
      labels: labelsOf(service),
      ...(hasProxy ? { annotations: { "weft.dev/registered-by": "proxy" } } : {}),
    },
    spec: {
      serviceAccount: name,
      addresses: [workloadAddressOf(shape, service, replica)],
      ports: [{ port: 8080, name: "http", protocol: "http" }],
      tunnel: { type: hasProxy ? "weft" : "none" },
    },
  });
}

function object(input: unknown): ApiObject {
  const parsed = parseObject(input, "write");
  if ("issues" in parsed)
    throw new Error(`the bench's own object is not valid: ${JSON.stringify(parsed.issues)}`);
  return parsed.object;
}
