/**
 * The live configuration: the current snapshot with the version of every resource in it. Changes come in whole
 * commits; a listener never sees half of one.
 */
import { type Log, errorLine } from "../../kernel/index.ts";
import { LiveSnapshot } from "./live-snapshot.ts";
import type { Resource, ResourceKind } from "./resource.ts";
import type { ResourceChange } from "./resource-change.ts";
import type { Snapshot } from "./snapshot.ts";

export type SnapshotListener = (snapshot: Snapshot, previous: Snapshot) => void;

export class Configuration {
  readonly #ownAddresses: readonly string[];
  readonly #log: Log;
  readonly #resources = new Map<ResourceKind, Map<string, Resource>>();
  readonly #listeners = new Set<SnapshotListener>();
  #onChange: (changes: readonly ResourceChange[], revision: number) => void = () => {};
  #snapshot: LiveSnapshot = LiveSnapshot.empty;

  constructor(ownAddresses: readonly string[], log: Log) {
    this.#ownAddresses = ownAddresses;
    this.#log = log;
  }

  get snapshot(): Snapshot {
    return this.#snapshot;
  }

  /** Called after each swap. Returns the way out. */
  onSnapshot(listener: SnapshotListener): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  /** Who carries each change on to other processes; called after each swap, first of all. */
  carryTo(onChange: (changes: readonly ResourceChange[], revision: number) => void): void {
    this.#onChange = onChange;
  }

  apply(changes: readonly ResourceChange[], revision: number = this.#snapshot.revision): void {
    const previous = this.#snapshot;
    if (changes.length === 0 && revision === previous.revision) return;
    this.#snapshot = previous.with(changes, revision, this.#ownAddresses);
    for (const change of changes) {
      if (change.type === "upsert")
        this.#tableOf(change.resource.kind).set(change.resource.name, change.resource);
      else this.#tableOf(change.kind).delete(change.name);
    }
    this.#onChange(changes, revision);
    for (const listener of this.#listeners) {
      try {
        listener(this.#snapshot, previous);
      } catch (error) {
        // One listener's defect must not keep the others on the old configuration.
        this.#log.error("a listener failed on a new configuration", { error: errorLine(error) });
      }
    }
  }

  /**
   * Whether a change takes back what this proxy acts on, so that an older state would let in, send or trust otherwise. What
   * is new overrules nothing, but for Gateways, which take from each other; nor do endpoints, which prove who they are.
   */
  isOverruledBy(changes: readonly ResourceChange[]): boolean {
    return changes.some((change) => {
      const { kind, name } = change.type === "upsert" ? change.resource : change;
      return kind === "Gateway" || (kind !== "Endpoint" && this.#tableOf(kind).has(name));
    });
  }

  /** To resume a stream: what is live, so that only differences are sent. */
  versions(kind: ResourceKind): Record<string, string> {
    return Object.fromEntries([...this.#tableOf(kind).values()].map(({ name, version }) => [name, version]));
  }

  *resources(): Iterable<Resource> {
    for (const table of this.#resources.values()) yield* table.values();
  }

  get size(): number {
    let size = 0;
    for (const table of this.#resources.values()) size += table.size;
    return size;
  }

  #tableOf(kind: ResourceKind): Map<string, Resource> {
    const existing = this.#resources.get(kind);
    if (existing !== undefined) return existing;
    const created = new Map<string, Resource>();
    this.#resources.set(kind, created);
    return created;
  }
}
