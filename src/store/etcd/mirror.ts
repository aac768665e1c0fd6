/** A range of etcd's keys in memory, kept up by one watch: reads are synchronous, listeners hear of every change. */
import { type Event, Event_EventType, type KeyValue } from "../../wire/etcd/index.ts";
import type { EtcdClient } from "./etcd-client.ts";
import { endOf } from "./layout.ts";
import { scanPrefix, textOf } from "./scan.ts";
import { KV } from "../../wire/etcd/index.ts";
import { bytesOf } from "./scan.ts";
import { WatchLoop } from "./watch-loop.ts";

export interface Mirrored {
  readonly value: Uint8Array;
  readonly createRevision: bigint;
  readonly modRevision: bigint;
  /** 0: none. */
  readonly lease: bigint;
}

export class Mirror {
  readonly #client: EtcdClient;
  readonly #prefix: string;
  readonly #values = new Map<string, Mirrored>();
  readonly #listeners = new Set<(names: readonly string[]) => void>();
  #watch: WatchLoop | undefined;

  private constructor(client: EtcdClient, prefix: string) {
    this.#client = client;
    this.#prefix = prefix;
  }

  /** Throws `unavailable` where etcd does not answer. */
  static async open(client: EtcdClient, prefix: string): Promise<Mirror> {
    const mirror = new Mirror(client, prefix);
    const from = await mirror.#load();
    mirror.#watch = new WatchLoop({
      client,
      key: prefix,
      end: endOf(prefix),
      from,
      onEvents: (events) => mirror.#take(events),
      onGap: () => mirror.#load(),
    });
    return mirror;
  }

  /** Names are without the prefix. */
  get(name: string): Mirrored | undefined {
    return this.#values.get(name);
  }

  *entries(prefix: string): Iterable<readonly [name: string, entry: Mirrored]> {
    for (const entry of this.#values) if (entry[0].startsWith(prefix)) yield entry;
  }

  /** Called with the names that changed. */
  onChange(listener: (names: readonly string[]) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  get isFollowing(): boolean {
    return this.#watch?.isFollowing ?? false;
  }

  close(): void {
    this.#listeners.clear();
    this.#watch?.close();
  }

  /** Returns from which of etcd's revisions to go on. */
  async #load(): Promise<bigint> {
    const { header } = await this.#client.read(KV.method.range, { key: bytesOf(this.#prefix) });
    const revision = header?.revision ?? 0n;
    const found = new Map<string, Mirrored>();
    for await (const page of scanPrefix(this.#client, this.#prefix, { revision }))
      for (const kv of page) found.set(this.#nameOf(kv), kv);
    const changed = [...this.#values.keys()].filter((name) => !found.has(name));
    for (const name of changed) this.#values.delete(name);
    for (const [name, kv] of found) {
      if (this.#values.get(name)?.modRevision === kv.modRevision) continue;
      this.#values.set(name, kv);
      changed.push(name);
    }
    this.#tell(changed);
    return revision + 1n;
  }

  #take(events: readonly Event[]): void {
    const changed: string[] = [];
    for (const { type, kv } of events) {
      if (kv === undefined) continue;
      const name = this.#nameOf(kv);
      // After a loss the newest come again.
      if ((this.#values.get(name)?.modRevision ?? 0n) >= kv.modRevision) continue;
      if (type === Event_EventType.PUT) this.#values.set(name, kv);
      else if (!this.#values.delete(name)) continue;
      changed.push(name);
    }
    this.#tell(changed);
  }

  #tell(names: readonly string[]): void {
    if (names.length > 0) for (const listener of this.#listeners) listener(names);
  }

  #nameOf({ key }: KeyValue): string {
    return textOf(key).slice(this.#prefix.length);
  }
}
