/**
 * Registrations of workloads on their way into the store: those that arrive in one turn of the event loop are one write.
 * Bounded by `maxBatch`; at it the write happens at once. The store does not wait for one write's disk before the next.
 */
import { keyText, type MeshWorkload, type ObjectKey } from "../api/index.ts";
import type { OperationalWrite, Store } from "../store/index.ts";

/** Bounds how long one write holds the store: some 20 ms. */
const maxBatch = 200;

interface Waiting {
  readonly write: OperationalWrite;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

/** By whom an address is taken as soon as the write is done. */
interface Claim {
  readonly path: string;
  readonly written: Promise<void>;
}

export class GatheredWrites {
  readonly #store: Pick<Store, "writeOperational">;
  readonly #waiting = new Map<string, Waiting>();
  /** Of the workloads that are not stored yet, by address. */
  readonly #claims = new Map<string, Claim>();
  #isScheduled = false;

  constructor(store: Pick<Store, "writeOperational">) {
    this.#store = store;
  }

  /** Another workload has one of the addresses in a write that the registry has not seen yet. */
  isClaimed(addresses: readonly string[], path: string): boolean {
    return addresses.some((address) => (this.#claims.get(address)?.path ?? path) !== path);
  }

  /** Resolves once no other workload has one of the addresses in a write: those that had are stored, or refused. */
  async unclaimed(addresses: readonly string[], path: string): Promise<void> {
    for (const address of addresses) {
      for (let claim = this.#claims.get(address); ; claim = this.#claims.get(address)) {
        if (claim === undefined || claim.path === path) break;
        await claim.written.catch(() => {});
      }
    }
  }

  /** Resolves when it is stored; rejects with what the store throws. */
  put(object: MeshWorkload): Promise<void> {
    const { namespace, name } = object.metadata;
    const written = this.#add({ kind: "MeshWorkload", namespace, name }, { type: "put", object });
    const claim = { path: `${namespace}/${name}`, written };
    for (const address of object.spec.addresses) this.#claims.set(address, claim);
    const letGo = (): void => {
      for (const address of object.spec.addresses)
        if (this.#claims.get(address) === claim) this.#claims.delete(address);
    };
    void written.then(letGo, letGo);
    return written;
  }

  delete(key: ObjectKey): Promise<void> {
    return this.#add(key, { type: "delete", key });
  }

  /** Writes what waits. Never rejects: whoever waits is told. */
  async flush(): Promise<void> {
    const batch = [...this.#waiting.values()];
    this.#waiting.clear();
    if (batch.length === 0) return;
    try {
      await this.#store.writeOperational(batch.map(({ write }) => write));
      for (const { resolve } of batch) resolve();
    } catch (error) {
      const [only] = batch;
      if (batch.length === 1 && only !== undefined) return only.reject(error);
      // One of them is at fault, or the store: each is told what comes of its own.
      await Promise.all(
        batch.map(({ write, resolve, reject }) =>
          this.#store.writeOperational([write]).then(resolve, reject),
        ),
      );
    }
  }

  #add(key: ObjectKey, write: OperationalWrite): Promise<void> {
    const text = keyText(key);
    // Two writes to one object are two transactions, in their order.
    if (this.#waiting.has(text) || this.#waiting.size >= maxBatch) void this.flush();
    const written = new Promise<void>((resolve, reject) => {
      this.#waiting.set(text, { write, resolve, reject });
    });
    if (!this.#isScheduled) {
      this.#isScheduled = true;
      setImmediate(() => {
        this.#isScheduled = false;
        void this.flush();
      });
    }
    return written;
  }
}
