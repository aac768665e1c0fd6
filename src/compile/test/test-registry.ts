/** A registry for tests: views straight from objects, and a change that says what two states differ in. No liveness. */
import { matchLabels, metricsPlace, type Stored, type StoredOfKind } from "../../api/index.ts";
import type {
  AddressOwner,
  ChangedMembers,
  EndpointView,
  RegistryChange,
  RegistryViews,
  ServiceView,
  WorkloadHealth,
  WorkloadView,
} from "../../registry/index.ts";

import { compareText } from "../resource.ts";

export class TestRegistry implements RegistryViews {
  #services = new Map<string, ServiceView>();
  #workloads = new Map<string, WorkloadView>();
  #members = new Map<string, Map<string, string>>();
  readonly #draining = new Set<string>();

  /** All objects there are now. */
  replace(objects: readonly Stored[]): RegistryChange {
    const [before, membersBefore] = [this.#snapshot(), this.#members];
    this.#services = new Map();
    this.#workloads = new Map();
    for (const object of objects) {
      if (object.kind === "Service") {
        const view = serviceView(object);
        this.#services.set(view.path, view);
      } else if (object.kind === "MeshWorkload") {
        const view = this.#workloadView(object);
        this.#workloads.set(view.path, view);
      }
    }
    this.#members = this.#newMembers();
    const after = this.#members;
    const change = difference(before, this.#snapshot());
    const changedMembers = new Map(
      [...change.endpoints].map((service) => [
        service,
        memberDifference(membersBefore.get(service) ?? none, after.get(service) ?? none),
      ]),
    );
    return { ...change, changedMembers };
  }

  setDraining(workload: string, isDraining: boolean): void {
    if (isDraining) this.#draining.add(workload);
    else this.#draining.delete(workload);
  }

  service(path: string): ServiceView | undefined {
    return this.#services.get(path);
  }

  services(): Iterable<ServiceView> {
    return this.#services.values();
  }

  workload(path: string): WorkloadView | undefined {
    return this.#workloads.get(path);
  }

  workloads(): Iterable<WorkloadView> {
    return this.#workloads.values();
  }

  endpoints(service: string, port: number, transport = "TCP"): readonly EndpointView[] {
    const target = this.#services
      .get(service)
      ?.ports.find((entry) => entry.port === port && entry.transport === transport)?.targetPort;
    return this.membersOf(service).flatMap((path): EndpointView[] => {
      const workload = this.#workloads.get(path);
      const number =
        typeof target === "number" ? target : workload?.ports.find((entry) => entry.name === target)?.port;
      if (workload === undefined || number === undefined) return [];
      return [
        {
          workload: path,
          address: workload.addresses[0] ?? "",
          port: number,
          serviceAccount: workload.serviceAccount,
          tunnel: workload.tunnel,
          health: workload.health,
          version: workload.labels["version"] ?? "",
          region: workload.region,
          zone: workload.zone,
        },
      ];
    });
  }

  endpoint(service: string, port: number, workload: string, transport = "TCP"): EndpointView | undefined {
    return this.endpoints(service, port, transport).find((each) => each.workload === workload);
  }

  membersOf(service: string): readonly string[] {
    const view = this.#services.get(service);
    if (view?.selector === undefined) return [];
    return [...this.#workloads.values()]
      .filter(
        (workload) => workload.namespace === view.namespace && matchLabels(view.selector, workload.labels),
      )
      .map((workload) => workload.path)
      .toSorted();
  }

  servicesOf(workload: string): readonly string[] {
    return [...this.#services.keys()].filter((path) => this.membersOf(path).includes(workload)).toSorted();
  }

  addressOwner(ip: string): AddressOwner | undefined {
    for (const service of this.#services.values()) {
      if (service.addresses.includes(ip)) return { kind: "service", service };
    }
    for (const workload of this.#workloads.values()) {
      if (workload.addresses.includes(ip)) return { kind: "workload", workload };
    }
    return undefined;
  }

  #workloadView(object: StoredOfKind<"MeshWorkload">): WorkloadView {
    const { name, namespace, labels, annotations } = object.metadata;
    const { spec } = object;
    const path = `${namespace}/${name}`;
    const health: WorkloadHealth = this.#draining.has(path) ? "draining" : "live";
    return {
      path,
      namespace,
      name,
      serviceAccount: spec.serviceAccount,
      labels: labels ?? {},
      addresses: spec.addresses,
      ports: spec.ports.map(({ port, name: portName, protocol }) => ({
        port,
        name: portName ?? "",
        protocol,
      })),
      tunnel: {
        kind: spec.tunnel.type,
        address: spec.tunnel.address ?? spec.addresses[0] ?? "",
        port: spec.tunnel.port,
      },
      region: spec.locality.region ?? "",
      zone: spec.locality.zone ?? "",
      metrics: metricsPlace(annotations, spec.ports),
      health,
    };
  }

  /** Of each service what each workload is at each of its ports, as text. */
  #newMembers(): Map<string, Map<string, string>> {
    const members = new Map<string, Map<string, string>>();
    for (const { path, ports } of this.#services.values()) {
      const texts = new Map<string, string>();
      for (const { port, transport } of ports) {
        for (const endpoint of this.endpoints(path, port, transport)) {
          const said = `${texts.get(endpoint.workload) ?? ""}\n${transport} ${port} `;
          texts.set(endpoint.workload, said + JSON.stringify(endpoint));
        }
      }
      members.set(path, texts);
    }
    return members;
  }

  /** What each fact looks like, as text. */
  #snapshot(): Record<PlainFact, Map<string, string>> {
    const services = [...this.#services.values()];
    const text = (value: unknown): string => JSON.stringify(value);
    return {
      services: new Map(services.map((service) => [service.path, text(service)])),
      workloads: new Map([...this.#workloads].map(([path, workload]) => [path, text(workload)])),
      endpoints: new Map([...this.#members].map(([path, members]) => [path, text([...members])])),
      addresses: new Map(
        [
          ...services.flatMap((service) => service.addresses),
          ...[...this.#workloads.values()].flatMap((workload) => workload.addresses),
        ].map((ip) => [ip, text(this.addressOwner(ip))]),
      ),
    };
  }
}

const versions: Readonly<Record<string, 1 | 2>> = { v1: 1, v2: 2 };

function serviceView(object: StoredOfKind<"Service">): ServiceView {
  const { name, namespace, labels } = object.metadata;
  const { spec } = object;
  const isHeadless = spec.clusterIP === "None";
  return {
    path: `${namespace}/${name}`,
    namespace,
    name,
    labels: labels ?? {},
    selector: spec.selector,
    addresses: isHeadless ? [] : (spec.clusterIPs ?? []),
    isHeadless,
    publishNotReadyAddresses: spec.publishNotReadyAddresses ?? false,
    proxyProtocol: versions[object.metadata.annotations?.["weft.dev/proxy-protocol"] ?? ""] ?? 0,
    ports: spec.ports.map((port) => ({
      port: port.port,
      name: port.name ?? "",
      transport: port.protocol,
      appProtocol: port.appProtocol,
      targetPort: port.targetPort ?? port.port,
    })),
  };
}

type PlainFact = Exclude<keyof RegistryChange, "changedMembers">;

const none: ReadonlyMap<string, string> = new Map();

function memberDifference(
  before: ReadonlyMap<string, string>,
  after: ReadonlyMap<string, string>,
): ChangedMembers {
  const workloads = new Set(
    [...before.keys(), ...after.keys()].filter((workload) => before.get(workload) !== after.get(workload)),
  );
  const places = (texts: ReadonlyMap<string, string>): string =>
    [...texts]
      .map(([workload, text]) => JSON.stringify([workload, text.match(/^\w+ \d+ /gm)]))
      .toSorted(compareText)
      .join();
  return { workloads, isSetChanged: places(before) !== places(after) };
}

function difference(
  before: Record<PlainFact, Map<string, string>>,
  after: Record<PlainFact, Map<string, string>>,
): Pick<RegistryChange, PlainFact> {
  const changed = (key: PlainFact): Set<string> =>
    new Set(
      [...before[key].keys(), ...after[key].keys()].filter(
        (entry) => before[key].get(entry) !== after[key].get(entry),
      ),
    );
  return {
    services: changed("services"),
    workloads: changed("workloads"),
    endpoints: changed("endpoints"),
    addresses: changed("addresses"),
  };
}
