/** Writes the status of workloads into the store: on transitions only, many in one write, the newest state at the time of writing. */
import type { MeshWorkload } from "../api/index.ts";
import { type Clock, errorLine, type Log, type Timer } from "../kernel/index.ts";
import type { OperationalWrite, Store } from "../store/index.ts";

export interface StatusWriterOptions {
  readonly store: Store;
  readonly clock: Clock;
  readonly log: Log;
  /** The object with its present status; undefined where the workload is gone or nothing changed. */
  readonly present: (path: string) => MeshWorkload | undefined;
  /** Another control plane writes them while this is false; they are kept until then. Default: true. */
  readonly isLeading?: (() => boolean) | undefined;
}

/** After a control plane's restart every proxy connects within a moment: one transaction instead of thousands. */
const gatherMs = 100;
/** Bounds how long one write holds the store. */
const maxWritesPerBatch = 500;
const retryMs = 5_000;

export class StatusWriter {
  readonly #options: StatusWriterOptions;
  readonly #pending = new Set<string>();
  #timer: Timer | undefined;
  #isWriting = false;

  constructor(options: StatusWriterOptions) {
    this.#options = options;
  }

  mark(paths: Iterable<string>): void {
    for (const path of paths) this.#pending.add(path);
    this.#schedule(gatherMs);
  }

  /** This control plane leads from now on. */
  lead(): void {
    this.#schedule(gatherMs);
  }

  close(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    this.#pending.clear();
  }

  #schedule(delayMs: number): void {
    if (this.#timer !== undefined || this.#isWriting || this.#pending.size === 0) return;
    if (this.#options.isLeading?.() === false) return;
    this.#timer = this.#options.clock.after(delayMs, () => {
      this.#timer = undefined;
      void this.#write();
    });
  }

  async #write(): Promise<void> {
    const { store, log, present } = this.#options;
    const batch = [...this.#pending].slice(0, maxWritesPerBatch);
    for (const path of batch) this.#pending.delete(path);
    const writes = batch.flatMap((path): OperationalWrite[] => {
      const object = present(path);
      return object === undefined ? [] : [{ type: "status", object }];
    });
    this.#isWriting = true;
    let nextMs = gatherMs;
    try {
      if (writes.length > 0) await store.writeOperational(writes);
    } catch (error) {
      // Liveness itself is in memory: only what people see of it is late.
      log.warn("status of workloads could not be written", {
        error: errorLine(error),
        workloads: writes.length,
      });
      for (const path of batch) this.#pending.add(path);
      nextMs = retryMs;
    } finally {
      this.#isWriting = false;
      this.#schedule(nextMs);
    }
  }
}
