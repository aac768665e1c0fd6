/**
 * Sends one signal to one collector: gathers items into requests, one of which is under way at a time, and sends one that
 * failed again after a wait. Whatever the collector does, what waits is bounded and what does not fit is counted.
 *
 *   idle --add--> gathering --full | 5 s--> sending --taken | refused--> idle | sending
 *                                             ^  '--failed--> waiting --'  (at most 5 times)
 *   any --close--> closed
 */
import type { Clock, Log, Timer } from "../../kernel/index.ts";
import type { UnaryCall } from "../admission/unary-call.ts";
import { Backoff } from "../agent/backoff.ts";
import type { Deliver } from "./delivery.ts";
import type { DeliveryResult } from "./delivery-result.ts";
import type { ExportCounters } from "./export-counters.ts";
import { encodeExportRequest } from "./export-request.ts";
import { ItemQueue, type QueueBounds } from "./item-queue.ts";
import type { Signal } from "./signals.ts";

/** Of one signal to one collector: at 2 KB for each span both bounds are reached together. */
export const queueBounds: QueueBounds = { maxItems: 2_048, maxBytes: 4_194_304 };
/** Of one request: collectors take 4 MB by default, and a request that failed has to be made up for. */
export const requestBounds: QueueBounds = { maxItems: 512, maxBytes: 1_048_576 };
/** So old the first of a request gets before it is sent. */
export const gatherMs = 5_000;
const retryWait = { minMs: 1_000, maxMs: 30_000 };
/** Whatever a collector asks for: what it lost meanwhile is counted, and it may have come back long before. */
const maxWaitMs = 300_000;
/** Of one request, the first included. */
export const maxTries = 5;

export interface SignalExporterParts {
  readonly signal: Signal;
  /** For the log. */
  readonly collector: string;
  readonly deliver: Deliver;
  /** As `encodeResource` gives it. */
  readonly resource: Uint8Array;
  readonly counters: ExportCounters;
  readonly clock: Clock;
  readonly random: () => number;
  readonly log: Log;
}

interface Batch {
  readonly items: number;
  readonly request: Uint8Array;
  tries: number;
}

export class SignalExporter {
  readonly #parts: SignalExporterParts;
  readonly #queue = new ItemQueue(queueBounds);
  readonly #backoff: Backoff;
  #timer: Timer | undefined = undefined;
  /** Being sent, or waiting to be sent again. */
  #batch: Batch | undefined = undefined;
  #call: UnaryCall | undefined = undefined;
  /** Somebody waits for everything to be sent. */
  #idle: PromiseWithResolvers<void> | undefined = undefined;
  /** The log says when this changes, and not for every request. */
  #isFailing = false;
  #isClosed = false;

  constructor(parts: SignalExporterParts) {
    this.#parts = parts;
    this.#backoff = new Backoff(retryWait, parts.random);
  }

  get queuedBytes(): number {
    return this.#queue.byteLength;
  }

  /** Never fails: what cannot be kept is counted. The bytes must not change afterwards. */
  add(item: Uint8Array): void {
    if (this.#isClosed) this.#drop("shutdown", 1);
    else if (item.length > requestBounds.maxBytes) this.#drop("too_large", 1);
    else if (!this.#queue.add(item)) this.#drop("queue_full", 1);
    else this.#gather();
  }

  /** Sends what there is at once. Resolves when all of it has been told, or dropped. */
  async flush(): Promise<void> {
    if (this.#isIdle) return;
    this.#idle ??= Promise.withResolvers<void>();
    if (this.#call === undefined) this.#next();
    await this.#idle.promise;
  }

  /** Drops what is left. */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#timer?.cancel();
    this.#call?.cancel();
    this.#drop("shutdown", this.#queue.clear() + (this.#batch?.items ?? 0));
    this.#batch = undefined;
    this.#settle();
  }

  get #isIdle(): boolean {
    return this.#batch === undefined && this.#queue.length === 0;
  }

  #gather(): void {
    if (this.#batch !== undefined) return;
    const isFull =
      this.#queue.length >= requestBounds.maxItems || this.#queue.byteLength >= requestBounds.maxBytes;
    if (isFull) this.#next();
    else this.#timer ??= this.#parts.clock.after(gatherMs, () => this.#next());
  }

  /** Sends the batch that waits, or a new one. */
  #next(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    const { resource, signal, deliver } = this.#parts;
    if (this.#batch === undefined) {
      const items = this.#queue.take(requestBounds);
      this.#batch = { items: items.length, request: encodeExportRequest(resource, items), tries: 0 };
    }
    const batch = this.#batch;
    batch.tries++;
    let isAnswered = false;
    const call = deliver(signal, batch.request, (result) => {
      isAnswered = true;
      this.#call = undefined;
      if (!this.#isClosed) this.#onResult(batch, result);
    });
    if (!isAnswered) this.#call = call;
  }

  #onResult(batch: Batch, result: DeliveryResult): void {
    const { counters, signal } = this.#parts;
    this.#tell(result);
    if (result.kind === "retry" && batch.tries < maxTries) {
      counters.retried(signal.name);
      // Asked for exactly so; ours is only a guess.
      const waitMs = Math.min(result.afterMs ?? this.#backoff.nextMs(), maxWaitMs);
      this.#timer = this.#parts.clock.after(waitMs, () => this.#next());
      return;
    }
    switch (result.kind) {
      case "taken": {
        const rejected = Math.min(result.rejected, batch.items);
        counters.sent(signal.name, batch.items - rejected);
        this.#drop("rejected", rejected);
        this.#backoff.reset();
        break;
      }
      case "refused":
        this.#drop("refused", batch.items);
        break;
      case "retry":
        this.#drop("retries_exhausted", batch.items);
    }
    this.#batch = undefined;
    if (this.#queue.length === 0) this.#settle();
    else if (this.#idle === undefined) this.#gather();
    else this.#next();
  }

  #settle(): void {
    this.#idle?.resolve();
    this.#idle = undefined;
  }

  #drop(reason: Parameters<ExportCounters["dropped"]>[1], count: number): void {
    this.#parts.counters.dropped(this.#parts.signal.name, reason, count);
  }

  #tell(result: DeliveryResult): void {
    const isFailing = result.kind !== "taken" || result.rejected > 0;
    if (isFailing === this.#isFailing) return;
    this.#isFailing = isFailing;
    const { log, collector, signal } = this.#parts;
    if (!isFailing) {
      log.info("the collector takes telemetry again", { collector, signal: signal.name });
      return;
    }
    const what = result.kind === "taken" ? `it rejected ${result.rejected}: ${result.detail}` : result.detail;
    log.warn("a collector does not take telemetry; traffic is not affected", {
      collector,
      signal: signal.name,
      detail: what,
    });
  }
}
