/** Answers the data path from the snapshot, and asks for what is not in it yet. */
import { type Clock, errorLine, type Log } from "../../kernel/index.ts";
import { type Address, type Name, outboundKey } from "../../model/index.ts";
import type { DemandKind, PendingLookup, Resolved } from "./agent.ts";
import type { Configuration } from "./configuration.ts";
import { type DemandName, Demands } from "./demands.ts";
import type { Resource } from "./resource.ts";
import type { ResourceChange } from "./resource-change.ts";
import type { PreparedOutbound, Unknown } from "./snapshot.ts";

export interface LookupsOptions {
  readonly configuration: Configuration;
  readonly clock: Clock;
  readonly log: Log;
  readonly limit: number;
  /** Namespace of the workload: outbounds are compiled for each client namespace. */
  readonly clientNamespace: string;
  readonly onAdded: (name: DemandName) => void;
  readonly onEnded: (names: readonly DemandName[]) => void;
}

/** Until the mesh's configuration says how long. */
const defaultDiscoveryMs = 2_000;
const defaultIdleMs = 600_000;
/** Most services have one or two ports; prefetching more would fill the table with what nobody dials. */
const maxPrefetchedPorts = 4;

export class Lookups {
  readonly #options: LookupsOptions;
  readonly #configuration: Configuration;
  readonly #demands: Demands;
  #isClosed = false;

  constructor(options: LookupsOptions) {
    const { configuration, clock, limit, onAdded } = options;
    this.#options = options;
    this.#configuration = configuration;
    this.#demands = new Demands({
      clock,
      limit,
      idleMs: () => configuration.snapshot.mesh?.discoveryIdleMs || defaultIdleMs,
      isKnown: (name) => this.#knowledgeOf(name),
      onAdded,
      onEnded: (names) => this.#ended(names),
    });
  }

  get size(): number {
    return this.#demands.size;
  }

  keys(kind: DemandKind): readonly string[] {
    return this.#demands.keys(kind);
  }

  /** What is asked for and is answered with "there is no such thing". */
  unknown(kind: DemandKind): string[] {
    return this.keys(kind).filter((key) => this.#knowledgeOf({ kind, key }) === "unknown");
  }

  has({ kind, key }: DemandName): boolean {
    return this.#demands.has(kind, key);
  }

  touch(kind: DemandKind, key: string): void {
    this.#demands.touch(kind, key);
  }

  address(
    ip: string,
    deadlineMs: number,
    callback: (result: Resolved<Address>) => void,
  ): PendingLookup | undefined {
    const lookup = () => this.#configuration.snapshot.lookupAddress(ip);
    return this.#resolve({ kind: "Address", key: ip }, deadlineMs, lookup, callback);
  }

  outbound(
    key: string,
    deadlineMs: number,
    callback: (result: Resolved<PreparedOutbound>) => void,
  ): PendingLookup | undefined {
    const lookup = () => this.#configuration.snapshot.outbound(key);
    return this.#resolve({ kind: "Outbound", key }, deadlineMs, lookup, callback);
  }

  name(
    fqdn: string,
    deadlineMs: number,
    callback: (result: Resolved<Name>) => void,
  ): PendingLookup | undefined {
    const lookup = () => this.#configuration.snapshot.name(fqdn);
    return this.#resolve({ kind: "Name", key: fqdn }, deadlineMs, lookup, callback);
  }

  prefetch(ip: string): void {
    const deadlineMs = this.#configuration.snapshot.mesh?.discoveryTimeoutMs || defaultDiscoveryMs;
    this.address(ip, deadlineMs, (address) => {
      if (typeof address === "string" || address.target.case !== "service") return;
      const { namespace, name, ports } = address.target.value;
      for (const { port } of ports.slice(0, maxPrefetchedPorts)) {
        const key = outboundKey(namespace, name, port, this.#options.clientNamespace);
        this.#demands.use({ kind: "Outbound", key });
      }
    });
  }

  /** What the last good configuration holds was asked for once, and counts as used now. */
  restore(resources: readonly Resource[]): void {
    for (const { kind, name } of resources) {
      const demand = demandOf(kind, name);
      if (demand !== undefined) this.#demands.use(demand);
    }
  }

  /** Of an explicit listener: known before anybody dials it, also where the control plane is away by then. */
  declare(service: string, port: number): void {
    const [namespace = "", name = ""] = service.split("/");
    this.#demands.declare({
      kind: "Outbound",
      key: outboundKey(namespace, name, port, this.#options.clientNamespace),
    });
  }

  /** These changes are live: answers whoever waited for them. */
  settle(changes: readonly ResourceChange[]): void {
    const names = changes.flatMap((change) => {
      const { kind, name } = change.type === "upsert" ? change.resource : change;
      return demandOf(kind, name) ?? [];
    });
    this.#demands.settle(names);
  }

  /** Whoever waits is told "unavailable". */
  close(): void {
    this.#isClosed = true;
    this.#demands.close();
  }

  #resolve<T>(
    name: DemandName,
    deadlineMs: number,
    lookup: () => T | Unknown | undefined,
    callback: (result: Resolved<T>) => void,
  ): PendingLookup | undefined {
    const known = lookup();
    if (known !== undefined || this.#isClosed) {
      this.#demands.touch(name.kind, name.key);
      callback(known ?? "unavailable");
      return undefined;
    }
    return this.#demands.wait(name, deadlineMs, (outcome) => {
      try {
        callback(outcome === "answered" ? (lookup() ?? "unavailable") : "unavailable");
      } catch (error) {
        // It runs inside of ours: a defect of one must not keep the others from being answered.
        this.#options.log.error("a lookup's callback failed", { key: name.key, error: errorLine(error) });
      }
    });
  }

  #ended(names: readonly DemandName[]): void {
    this.#options.onEnded(names);
    this.#configuration.apply(names.map(({ kind, key }) => ({ type: "forget", kind, name: key })));
  }

  #knowledgeOf({ kind, key }: DemandName): "known" | "unknown" | "unanswered" {
    const { snapshot } = this.#configuration;
    const value =
      kind === "Address"
        ? snapshot.lookupAddress(key)
        : kind === "Name"
          ? snapshot.name(key)
          : snapshot.outbound(key);
    return value === undefined ? "unanswered" : value === "unknown" ? "unknown" : "known";
  }
}

/** Undefined for kinds that nobody asks for by name. */
function demandOf(kind: string, key: string): DemandName | undefined {
  return kind === "Address" || kind === "Name" || kind === "Outbound" ? { kind, key } : undefined;
}
