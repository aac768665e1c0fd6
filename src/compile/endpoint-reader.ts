/** Endpoints of services, by how much of them a computation reads: so much of it depends on their changes. */
import type { EndpointView, RegistryViews } from "../registry/index.ts";
import { facts } from "./facts.ts";

export class EndpointReader {
  readonly #registry: RegistryViews;
  readonly #read: Set<string>;

  constructor(registry: RegistryViews, read: Set<string>) {
    this.#registry = registry;
    this.#read = read;
  }

  all(service: string, port: number, transport: "TCP" | "UDP" = "TCP"): readonly EndpointView[] {
    this.#read.add(facts.endpoints(service));
    return this.#registry.endpoints(service, port, transport);
  }

  /** Workloads that are endpoints; for whoever reads nothing else of them. */
  names(service: string, port: number, transport: "TCP" | "UDP"): string[] {
    this.#read.add(facts.members(service));
    return this.#registry.endpoints(service, port, transport).map(({ workload }) => workload);
  }

  /** For the node of this endpoint alone, which is named when it changes (`endpointNodes`). */
  one(service: string, port: number, workload: string, transport: "TCP" | "UDP"): EndpointView | undefined {
    this.#read.add(facts.anyEndpoint(service));
    return this.#registry.endpoint(service, port, workload, transport);
  }
}
