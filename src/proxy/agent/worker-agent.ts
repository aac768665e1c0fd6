/**
 * The agent of a worker: its parent is the one in the mesh, and tells it everything. What it does not know it asks the parent for;
 * the answer is in a change that the parent sends to all its workers, so whoever waits here is answered by the snapshot.
 */
import { fromBinary, toBinary } from "@bufbuild/protobuf";
import type { Clock, Log } from "../../kernel/index.ts";
import type { Address, Name } from "../../model/index.ts";
import type { TlsIdentity } from "../../net/index.ts";
import { TapOrdersSchema, TelemetryReportSchema } from "../../wire/index.ts";
import type {
  Agent,
  AgentStatus,
  DemandKind,
  PendingLookup,
  Resolved,
  TapHandler,
  TapSender,
  TelemetrySource,
} from "./agent.ts";
import type { SnapshotListener } from "./configuration.ts";
import type { DemandName } from "./demands.ts";
import { IdentityHolder } from "./identity-holder.ts";
import type { AgentLookup, ParentLink } from "./parent-link.ts";
import type { PreparedOutbound, Snapshot, Unknown } from "./snapshot.ts";
import type { Rejection } from "./staging.ts";
import { SuppliedAgent } from "./supplied-agent.ts";
import type { SuppliedChange } from "./supplied-change.ts";
import { WorkerLookups } from "./worker-lookups.ts";

/** What the parent is in the mesh. */
export interface Standing {
  readonly identity: TlsIdentity;
  readonly status: AgentStatus;
}

export interface WorkerAgentOptions {
  /** The workload's, in canonical text. */
  readonly addresses: readonly string[];
  readonly standing: Standing;
  readonly link: ParentLink;
  readonly clock: Clock;
  readonly log: Log;
}

export class WorkerAgent implements Agent {
  readonly #supplied: SuppliedAgent;
  readonly #identities: IdentityHolder;
  readonly #lookups: WorkerLookups;
  readonly #link: ParentLink;
  #status: AgentStatus;
  #telemetry: TelemetrySource | undefined;
  #taps: TapHandler | undefined;

  constructor({ addresses, standing, link, clock, log }: WorkerAgentOptions) {
    this.#supplied = new SuppliedAgent(log, addresses);
    this.#identities = new IdentityHolder(standing.identity, log);
    this.#status = standing.status;
    this.#link = link;
    this.#lookups = new WorkerLookups({ link, clock, log });
  }

  get snapshot(): Snapshot {
    return this.#supplied.snapshot;
  }

  /** Ready: its parent was, before there were workers. */
  get status(): AgentStatus {
    const { isReady, revision } = this.#supplied.status;
    return { ...this.#status, isReady, revision };
  }

  commit(change: SuppliedChange): readonly Rejection[] {
    const rejected = this.#supplied.commit(change);
    this.#lookups.settle([...change.upserts, ...change.removals]);
    return rejected;
  }

  setStatus(status: AgentStatus): void {
    this.#status = status;
  }

  setStanding({ identity, status }: Standing): void {
    this.#status = status;
    this.#identities.set(identity);
  }

  /** The parent follows as much as it can. */
  refuse(name: DemandName): void {
    this.#lookups.refuse(name);
  }

  /** Tells the parent what was used since the last call. */
  flushTouches(): void {
    this.#lookups.flushTouches();
  }

  /** Tells the parent a part. Whether there is more of it. */
  flushTelemetry(): boolean {
    const report = this.#telemetry?.take();
    if (report !== undefined) this.#link.report(toBinary(TelemetryReportSchema, report));
    return this.#telemetry?.hasMore === true;
  }

  /** `orders`: `TapOrders`, encoded; empty: none. */
  setTapOrders(orders: Uint8Array): void {
    this.#taps?.onOrders(orders.length === 0 ? undefined : fromBinary(TapOrdersSchema, orders));
  }

  onSnapshot(listener: SnapshotListener): () => void {
    return this.#supplied.onSnapshot(listener);
  }

  resolveAddress(
    ip: string,
    deadlineMs: number,
    callback: (result: Resolved<Address>) => void,
  ): PendingLookup | undefined {
    return this.#resolve(
      { kind: "Address", key: ip, deadlineMs },
      () => this.snapshot.lookupAddress(ip),
      callback,
    );
  }

  resolveOutbound(
    key: string,
    deadlineMs: number,
    callback: (result: Resolved<PreparedOutbound>) => void,
  ): PendingLookup | undefined {
    return this.#resolve(
      { kind: "Outbound", key: key, deadlineMs },
      () => this.snapshot.outbound(key),
      callback,
    );
  }

  resolveName(
    fqdn: string,
    deadlineMs: number,
    callback: (result: Resolved<Name>) => void,
  ): PendingLookup | undefined {
    return this.#resolve({ kind: "Name", key: fqdn, deadlineMs }, () => this.snapshot.name(fqdn), callback);
  }

  prefetch(ip: string): void {
    this.#link.prefetch(ip);
  }

  touch(kind: DemandKind, key: string): void {
    this.#lookups.touch({ kind, key });
  }

  identity(): TlsIdentity {
    return this.#identities.current;
  }

  onIdentity(listener: (identity: TlsIdentity) => void): () => void {
    return this.#identities.onChange(listener);
  }

  ready(): Promise<void> {
    return this.#supplied.ready();
  }

  /** The parent does, once for all workers. */
  announce(): void {}

  reportTelemetry(source: TelemetrySource): void {
    this.#telemetry = source;
  }

  /** The parent bounds what waits for the control plane. */
  serveTaps(handler: TapHandler): TapSender {
    this.#taps = handler;
    // Empty: it answers with the orders that there are.
    this.#link.tapped(new Uint8Array(0));
    return {
      send: (upload) => {
        this.#link.tapped(upload);
        return true;
      },
    };
  }

  /** The parent has told the mesh, and leaves it when all workers have ended. */
  async drainAndLeave(whenDrained: () => Promise<void>): Promise<void> {
    await whenDrained();
    let hasMore = true;
    while (hasMore) hasMore = this.flushTelemetry();
    this.close();
  }

  async handOver(whenDrained: () => Promise<void>): Promise<void> {
    await this.drainAndLeave(whenDrained);
  }

  flush(): Promise<void> {
    return Promise.resolve();
  }

  close(): void {
    this.#lookups.close();
    this.#supplied.close();
  }

  #resolve<T>(
    { kind, key, deadlineMs }: AgentLookup,
    lookup: () => T | Unknown | undefined,
    callback: (result: Resolved<T>) => void,
  ): PendingLookup | undefined {
    const known = lookup();
    if (known === undefined) {
      return this.#lookups.wait({ kind, key, deadlineMs }, (outcome) =>
        callback(outcome === "answered" ? (lookup() ?? "unavailable") : "unavailable"),
      );
    }
    this.#lookups.touch({ kind, key });
    callback(known);
    return undefined;
  }
}
