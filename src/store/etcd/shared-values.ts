/** Small sealed values that all replicas share, beside the store: read from memory, written by compare-and-swap. */
import { WeftError } from "../../kernel/index.ts";
import { KV } from "../../wire/etcd/index.ts";
import { type Condition, get, foundAt, modIs, type Operation, put, remove } from "./appender.ts";
import type { Mirror } from "./mirror.ts";
import type { StoreParts } from "./reader.ts";
import { bytesOf } from "./scan.ts";
import { requireLease, type Session } from "./session.ts";

export interface SharedValue {
  readonly value: Uint8Array;
  /** For `replace`. */
  readonly version: bigint;
}

/** etcd takes 128 operations in one transaction. */
const maxOperations = 100;

export class SharedValues {
  readonly #parts: StoreParts;
  readonly #mirror: Mirror;
  readonly #session: Session;

  constructor(parts: StoreParts, mirror: Mirror, session: Session) {
    this.#parts = parts;
    this.#mirror = mirror;
    this.#session = session;
  }

  /** From memory: others' newest writes may be on their way. */
  get(name: string): SharedValue | undefined {
    const found = this.#mirror.get(name);
    return found === undefined ? undefined : this.#opened(name, found);
  }

  /** Names that begin with `prefix`, in no order. */
  *names(prefix: string): Iterable<string> {
    for (const [name] of this.#mirror.entries(prefix)) yield name;
  }

  /** From etcd, with everything that was acknowledged to anybody. Throws `unavailable`. */
  async read(name: string): Promise<SharedValue | undefined> {
    const { client, layout } = this.#parts;
    const { kvs } = await client.read(KV.method.range, { key: bytesOf(layout.shared(name)) });
    const kv = kvs[0];
    return kv === undefined ? undefined : this.#opened(name, kv);
  }

  /** Whatever is there. It may be written twice where an answer is lost. */
  async set(
    values: ReadonlyMap<string, Uint8Array | undefined>,
    lifetime: "lasting" | "leased" = "lasting",
  ): Promise<void> {
    const lease = lifetime === "leased" ? requireLease(this.#session) : 0n;
    const operations = [...values].map(([name, value]) =>
      value === undefined
        ? remove(this.#parts.layout.shared(name))
        : put(this.#key(name), this.#sealed(name, value), lease),
    );
    for (let from = 0; from < operations.length; from += maxOperations)
      await this.#parts.client.read(KV.method.txn, { success: operations.slice(from, from + maxOperations) });
  }

  /** Where it is still `version`; 0n: where there is none. False: it is another one. An answer that is lost is found out. */
  async replace(name: string, value: Uint8Array, version: bigint): Promise<boolean> {
    const key = this.#key(name);
    const operation = put(key, this.#sealed(name, value));
    return await this.#swap(key, modIs(key, version), operation, value, name);
  }

  onChange(listener: (names: readonly string[]) => void): () => void {
    return this.#mirror.onChange(listener);
  }

  async #swap(
    key: string,
    condition: Condition,
    operation: Operation,
    value: Uint8Array,
    name: string,
  ): Promise<boolean> {
    const request = { compare: [condition], success: [operation], failure: [get(key)] };
    const result = await this.#parts.client.read(KV.method.txn, request);
    if (result.succeeded) return true;
    // A try whose answer was lost may have done it.
    const found = foundAt(result, 0);
    return found !== undefined && Buffer.from(this.#opened(name, found).value).equals(value);
  }

  #key(name: string): string {
    return this.#parts.layout.shared(name);
  }

  #sealed(name: string, value: Uint8Array): Uint8Array {
    return this.#parts.seal.seal(this.#key(name), value);
  }

  #opened(
    name: string,
    { value, modRevision }: { readonly value: Uint8Array; readonly modRevision: bigint },
  ): SharedValue {
    return { value: this.#parts.seal.open(this.#key(name), value), version: modRevision };
  }
}

/** JSON of ours; anything else is `io`. */
export function jsonOf(value: Uint8Array, name: string): unknown {
  try {
    return JSON.parse(Buffer.from(value).toString());
  } catch (cause) {
    throw new WeftError("io", `${name} in etcd cannot be read`, { cause });
  }
}
