/** A mesh: control plane, gateway, a sidecar in front of each application, and a client's sidecar in each of two namespaces. */
import { isKindName } from "../../../src/api/index.ts";
import type { ProxyBootstrap } from "../../../src/proxy/index.ts";
import { TestDnsServer } from "../../../src/proxy/testing/dns-server.ts";
import { BareMesh } from "../../e2e/harness/bare-mesh.ts";
import { eventually } from "../../e2e/harness/eventually.ts";
import type { Backend } from "./backends.ts";
import type { Place } from "./client.ts";
import {
  type Backends,
  baseObjects,
  dnsZone,
  type Environment,
  gatewayNumber,
  objectKey,
  servicePorts,
} from "./environment.ts";
import type { RequestSpec } from "./scenario.ts";

/** What clients dial beside the services of workloads; `outside` is for scenarios to define. */
const otherDestinations = [
  { service: "default/tls1", servicePort: 443 },
  { service: "default/raw1", servicePort: 443 },
  { service: "default/outside", servicePort: 80 },
  { service: "default/outside", servicePort: 443 },
];

/** Of a client's listeners, on its own address. */
const firstListener = 20_001;

const clientNamespaces = ["default", "consumer"] as const;

export class MeshEnvironment implements Environment {
  readonly name = "mesh";
  readonly #mesh: BareMesh;
  readonly #resolver: TestDnsServer;
  readonly #listeners = new Map<string, Place>();
  #present: readonly unknown[] = [];

  private constructor(mesh: BareMesh, resolver: TestDnsServer) {
    this.#mesh = mesh;
    this.#resolver = resolver;
  }

  static async start(backends: Backends): Promise<MeshEnvironment> {
    const services = [
      ...backends.meshed.map((backend) => ({ name: backend.name, backend })),
      ...webOf(backends),
    ];
    const mesh = await BareMesh.start([
      { apiVersion: "v1", kind: "Namespace", metadata: { name: "weft-system" } },
      { apiVersion: "v1", kind: "ServiceAccount", metadata: { name: "gateway", namespace: "weft-system" } },
      ...baseObjects(backends),
      { apiVersion: "v1", kind: "ServiceAccount", metadata: { name: "default", namespace: "consumer" } },
      ...services.map(({ name, backend }) => workloadService(name, backend)),
      serviceOfAll,
    ]);
    const environment = new MeshEnvironment(mesh, await TestDnsServer.start(dnsZone));
    try {
      await environment.#startProxies(backends, [
        ...services.map(({ name }) => `default/${name}`),
        "default/all",
        "other/v4",
      ]);
    } catch (error) {
      await environment[Symbol.asyncDispose]();
      throw error;
    }
    return environment;
  }

  get names(): Readonly<Record<string, string>> {
    return { gateway1: this.#gatewayAddress(1), gateway2: this.#gatewayAddress(2) };
  }

  async become(objects: readonly unknown[]): Promise<void> {
    const kept = new Set(objects.map((object) => JSON.stringify(objectKey(object))));
    const deletions = this.#present.flatMap((object) => {
      const key = objectKey(object);
      if (kept.has(JSON.stringify(key)) || !isKindName(key.kind)) return [];
      const { kind, name, namespace } = key;
      return [{ kind, name, ...(namespace === "" ? {} : { namespace }) }];
    });
    const { revision } = await this.#mesh.client.transact({ message: "scenario", objects, deletions });
    this.#present = objects;
    await eventually(async () => {
      const { proxies } = await this.#mesh.client.status();
      const behind = proxies.filter((proxy) => proxy.revision < revision);
      if (behind.length > 0) throw new Error(`${behind.length} proxies are behind revision ${revision}`);
    });
  }

  placeOf({ to, port, from }: RequestSpec): Place {
    const number = gatewayNumber(to);
    if (number !== undefined) return { address: this.#gatewayAddress(number), port };
    const listener = this.#listeners.get(`${from} ${to}:${port}`);
    if (listener === undefined) throw new Error(`${from} has no listener for ${to}:${port}`);
    return listener;
  }

  async status(kind: string, namespace: string, name: string): Promise<unknown> {
    if (!isKindName(kind)) throw new Error(`${kind} is no kind`);
    const object: object = await this.#mesh.client.get(kind, { namespace, name });
    return "status" in object ? object.status : {};
  }

  logs(): string {
    return "";
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#mesh[Symbol.asyncDispose]();
    await this.#resolver[Symbol.asyncDispose]();
  }

  #gatewayAddress(number: number): string {
    return `${this.#mesh.network}.${40 + number}`;
  }

  async #startProxies({ meshed }: Backends, services: readonly string[]): Promise<void> {
    const mesh = this.#mesh;
    const dnsUpstreams = [`127.0.0.1:${this.#resolver.port}`];
    const servers = meshed.map((backend, index) => {
      const { http, h2c, tcp } = backend.ports;
      const ports = [
        { port: http, name: "http", protocol: "http" },
        { port: h2c, name: "h2c", protocol: "http2" },
        { port: tcp, name: "tcp", protocol: "tcp" },
      ];
      return mesh.startProxy(backend.name, 2 + index, {
        workload: this.#workload("default", backend.name, `${mesh.network}.${2 + index}`, ports),
      });
    });
    const clients = clientNamespaces.map((namespace, index) => {
      const name = `client-${namespace}`;
      const dialled = [
        ...services.flatMap((service) => servicePorts.map(({ port }) => ({ service, servicePort: port }))),
        ...otherDestinations,
      ];
      const outbound = dialled.map((destination, number) => {
        const { service, servicePort } = destination;
        const place = { address: `${mesh.network}.${30 + index}`, port: firstListener + number };
        this.#listeners.set(`${namespace} ${service}:${servicePort}`, place);
        return { ...place, ...destination };
      });
      return mesh.startProxy(name, 30 + index, {
        workload: this.#workload(namespace, name, `${mesh.network}.${30 + index}`, []),
        capture: { kind: "explicit", outbound },
        dnsUpstreams,
      });
    });
    const door = mesh.startProxy("door", 40, {
      role: "gateway",
      gateway: { kind: "tcp", address: this.#gatewayAddress(0) },
      dnsUpstreams,
    });
    await Promise.all([...servers, ...clients, door]);
  }

  #workload(
    namespace: string,
    name: string,
    address: string,
    ports: ProxyBootstrap["workload"]["ports"],
  ): ProxyBootstrap["workload"] {
    return {
      namespace,
      serviceAccount: "default",
      name,
      labels: { app: name, ...(ports.length === 0 ? {} : { set: "all" }) },
      addresses: [address],
      ports,
      region: "home",
      zone: "a",
    };
  }
}

const serviceOfAll = {
  apiVersion: "v1",
  kind: "Service",
  metadata: { name: "all", namespace: "default" },
  spec: {
    selector: { set: "all" },
    ports: servicePorts.map(({ target, ...port }) => ({ ...port, targetPort: target })),
  },
};

function webOf({ meshed }: Backends): { name: string; backend: Backend }[] {
  const [first] = meshed;
  return first === undefined ? [] : [{ name: "web", backend: first }];
}

function workloadService(name: string, backend: Backend): object {
  return {
    apiVersion: "v1",
    kind: "Service",
    metadata: { name, namespace: "default" },
    spec: {
      selector: { app: backend.name },
      ports: servicePorts.map(({ target, ...port }) => ({ ...port, targetPort: backend.ports[target] })),
    },
  };
}
