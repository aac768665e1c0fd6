/**
 * Who of the replicas leads: whose key stands, under its lease. What a leader writes is conditional on its key being there as
 * it made it (`fence`): one that has lost the lead without knowing can do no harm.
 *
 *   following --key free, made--> leading --lease lost | key gone--> following
 */
import { errorLine } from "../../kernel/index.ts";
import { KV } from "../../wire/etcd/index.ts";
import { type Condition, createdIs, modIs, put } from "./appender.ts";
import type { EtcdClient } from "./etcd-client.ts";
import type { Mirror } from "./mirror.ts";
import { bytesOf, textOf } from "./scan.ts";
import type { Session } from "./session.ts";

export interface ElectionOptions {
  readonly client: EtcdClient;
  readonly session: Session;
  /** Holds the key among others. */
  readonly mirror: Mirror;
  /** In the mirror. */
  readonly name: string;
  /** In etcd. */
  readonly key: string;
  readonly replica: string;
}

/** Of the key that a leader made. */
interface Made {
  readonly lease: bigint;
  readonly createRevision: bigint;
}

const retryMs = 500;

export class Election {
  readonly #options: ElectionOptions;
  readonly #listeners = new Set<(isLeading: boolean) => void>();
  readonly #unsubscribes: readonly (() => void)[];
  /** While we lead. */
  #made: Made | undefined;
  #isTrying = false;
  #isClosed = false;

  constructor(options: ElectionOptions) {
    this.#options = options;
    this.#unsubscribes = [
      options.session.onChange((lease) => {
        if (lease !== this.#made?.lease) this.#step(undefined);
        this.#look();
      }),
      options.mirror.onChange((names) => {
        if (names.includes(options.name)) this.#look();
      }),
    ];
    this.#look();
  }

  get isLeading(): boolean {
    return this.#made !== undefined;
  }

  /** Undefined: none, or not known. */
  get leader(): string | undefined {
    const entry = this.#options.mirror.get(this.#options.name);
    return entry === undefined ? undefined : textOf(entry.value);
  }

  /** Undefined while this replica does not lead. */
  get fence(): Condition | undefined {
    return this.#made === undefined ? undefined : createdIs(this.#options.key, this.#made.createRevision);
  }

  /** Called when the lead is won or lost; a listener that comes later asks `isLeading`. */
  onChange(listener: (isLeading: boolean) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  close(): void {
    this.#isClosed = true;
    for (const unsubscribe of this.#unsubscribes) unsubscribe();
    this.#listeners.clear();
  }

  #look(): void {
    const { mirror, name, session } = this.#options;
    const entry = mirror.get(name);
    if (this.#made !== undefined) {
      // Removed, or another's: somebody took it from us. What the mirror does not know yet is newer than what it knows.
      const isOurs = entry?.createRevision === this.#made.createRevision;
      if (!isOurs && entry !== undefined && entry.createRevision > this.#made.createRevision)
        this.#step(undefined);
      return;
    }
    if (entry === undefined && session.lease !== undefined) void this.#campaign(session.lease);
  }

  async #campaign(lease: bigint): Promise<void> {
    if (this.#isTrying || this.#isClosed) return;
    this.#isTrying = true;
    const { client, key, replica, session } = this.#options;
    try {
      const { succeeded, header } = await client.once(KV.method.txn, {
        compare: [modIs(key, 0n)],
        success: [put(key, bytesOf(replica), lease)],
        failure: [{ request: { case: "requestRange", value: { key: bytesOf(key) } } }],
      });
      if (succeeded && session.lease === lease && !this.#isClosed)
        this.#step({ lease, createRevision: header?.revision ?? 0n });
    } catch (error) {
      // Where the answer alone was lost, the key goes with our lease, or is found to be ours below.
      client.log.debug("the election at etcd brought no answer", { error: errorLine(error) });
      client.clock.after(retryMs * (0.5 + Math.random()), () => void this.#adopt(lease));
    } finally {
      this.#isTrying = false;
    }
  }

  /** A key of ours whose making was never answered. */
  async #adopt(lease: bigint): Promise<void> {
    const { client, key, session } = this.#options;
    if (this.#isClosed || this.#made !== undefined || session.lease !== lease) return;
    try {
      const { kvs } = await client.read(KV.method.range, { key: bytesOf(key) });
      const kv = kvs[0];
      if (kv === undefined) await this.#campaign(lease);
      else if (kv.lease === lease && session.lease === lease)
        this.#step({ lease, createRevision: kv.createRevision });
    } catch {
      client.clock.after(retryMs * (0.5 + Math.random()), () => void this.#adopt(lease));
    }
  }

  #step(made: Made | undefined): void {
    const was = this.isLeading;
    this.#made = made;
    if (was === this.isLeading) return;
    this.#options.client.log.info(
      this.isLeading ? "this replica leads" : "this replica does not lead any more",
    );
    for (const listener of this.#listeners) listener(this.isLeading);
  }
}
