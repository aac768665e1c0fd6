/**
 * An agent that is supplied with its configuration by its own process: there is no control plane, no certificate, and
 * nothing to ask for on demand. What it was not supplied with does not exist.
 */
import { errorLine, type Log, WeftError } from "../../kernel/index.ts";
import type { Address, Name } from "../../model/index.ts";
import type { TlsIdentity } from "../../net/index.ts";
import type { Agent, AgentStatus, PendingLookup, Resolved, TapSender, TelemetrySource } from "./agent.ts";
import { Configuration, type SnapshotListener } from "./configuration.ts";
import { Rejections } from "./rejections.ts";
import { prepareResource, type RawResource } from "./resource.ts";
import type { ResourceChange } from "./resource-change.ts";
import type { PreparedOutbound, Snapshot } from "./snapshot.ts";
import type { Rejection } from "./staging.ts";
import type { SuppliedChange } from "./supplied-change.ts";

export class SuppliedAgent implements Agent {
  readonly #configuration: Configuration;
  readonly #rejections = new Rejections();
  readonly #ready = Promise.withResolvers<void>();
  #isSupplied = false;

  /** `ownAddresses`: of the workload that takes connections in, in canonical text. */
  constructor(log: Log, ownAddresses: readonly string[] = []) {
    this.#configuration = new Configuration(ownAddresses, log);
    this.#ready.promise.catch(() => {});
  }

  /** Returns what cannot be used: it stays as it was before, and the rest is live. */
  commit({ revision, upserts, removals, forgotten = [] }: SuppliedChange): readonly Rejection[] {
    const changes: ResourceChange[] = [];
    const rejected: Rejection[] = [];
    for (const raw of upserts) {
      try {
        changes.push({ type: "upsert", resource: prepareResource(raw) });
      } catch (error) {
        rejected.push({ kind: raw.kind, name: raw.name, why: errorLine(error) });
      }
    }
    for (const { kind, name } of removals) changes.push({ type: "remove", kind, name });
    for (const { kind, name } of forgotten) changes.push({ type: "forget", kind, name });
    this.#rejections.note({ revision, changes, answers: [{ typeUrl: "", nonce: "", rejected }] });
    this.#isSupplied = true;
    this.#configuration.apply(changes, revision);
    this.#ready.resolve();
    return rejected;
  }

  /** All that it was supplied with and could use, as one change: for another agent that shall serve the same. */
  everything(): SuppliedChange {
    const upserts = [...this.#configuration.resources()].map(
      ({ kind, name, version, bytes }): RawResource => ({ kind, name, version, bytes }),
    );
    return { revision: this.snapshot.revision, upserts, removals: [] };
  }

  get snapshot(): Snapshot {
    return this.#configuration.snapshot;
  }

  get status(): AgentStatus {
    return {
      isReady: this.#isSupplied,
      isConnected: false,
      revision: this.snapshot.revision,
      identity: "",
      certificateNotAfterMs: 0,
      subscriptions: 0,
      rejected: this.#rejections.all,
      lastError: "",
    };
  }

  onSnapshot(listener: SnapshotListener): () => void {
    return this.#configuration.onSnapshot(listener);
  }

  resolveAddress(
    ip: string,
    _deadlineMs: number,
    callback: (result: Resolved<Address>) => void,
  ): PendingLookup | undefined {
    callback(this.snapshot.lookupAddress(ip) ?? "unknown");
    return undefined;
  }

  resolveOutbound(
    key: string,
    _deadlineMs: number,
    callback: (result: Resolved<PreparedOutbound>) => void,
  ): PendingLookup | undefined {
    callback(this.snapshot.outbound(key) ?? "unknown");
    return undefined;
  }

  resolveName(
    fqdn: string,
    _deadlineMs: number,
    callback: (result: Resolved<Name>) => void,
  ): PendingLookup | undefined {
    callback(this.snapshot.name(fqdn) ?? "unknown");
    return undefined;
  }

  prefetch(): void {}

  touch(): void {}

  /** It is nobody in the mesh: an endpoint behind a tunnel cannot be dialled. */
  identity(): TlsIdentity {
    throw new WeftError("unavailable", "this proxy has no identity");
  }

  onIdentity(): () => void {
    return () => {};
  }

  ready(): Promise<void> {
    return this.#ready.promise;
  }

  announce(): void {}

  reportTelemetry(_source: TelemetrySource): void {}

  /** Nobody is there who could ask for any. */
  serveTaps(): TapSender {
    return { send: () => true };
  }

  async drainAndLeave(whenDrained: () => Promise<void>): Promise<void> {
    await whenDrained();
    this.close();
  }

  async handOver(whenDrained: () => Promise<void>): Promise<void> {
    await this.drainAndLeave(whenDrained);
  }

  flush(): Promise<void> {
    return Promise.resolve();
  }

  close(): void {
    this.#ready.reject(new WeftError("unavailable", "the agent was closed before it was ready"));
  }
}
