/**
 * A watch as Kubernetes answers it: one JSON line for each event, without end. A reader that is slower than the changes
 * is told that its version is gone and lists again; it never makes the server keep more than a bound.
 */
import {
  apiVersionOf,
  type ApiObject,
  type KindName,
  matchRequirements,
  type LabelRequirement,
} from "../api/index.ts";
import { type Clock, type Timer, WeftError } from "../kernel/index.ts";
import type { Store, WatchEvent } from "../store/index.ts";
import { statusOf } from "./answers.ts";

/** Unread bytes of one watch: thousands of changes of ordinary objects. */
const maxUnreadBytes = 4 * 1024 * 1024;
/** Often enough that a reader that is gone is noticed. */
const bookmarkEveryMs = 30_000;
/** Each costs a socket and a listener of the store. */
const maxWatches = 1024;

export interface WatchFilter {
  readonly kind: KindName;
  readonly namespace: string | undefined;
  readonly name: string | undefined;
  readonly labels: readonly LabelRequirement[];
}

export interface WatchOptions {
  readonly filter: WatchFilter;
  /** Events after this one; undefined: what is there now, then what follows. */
  readonly fromSequence: number | undefined;
  readonly timeoutMs: number | undefined;
  readonly wantsBookmarks: boolean;
  /** Asked before events are sent: who lost the right sees no more. */
  readonly isAllowed: () => boolean;
}

export class Watches {
  readonly #store: Store;
  readonly #clock: Clock;
  readonly #open = new Set<WatchStream>();

  constructor(store: Store, clock: Clock) {
    this.#store = store;
    this.#clock = clock;
  }

  /** Throws `exhausted` where too many are open. */
  start(options: WatchOptions): Response {
    if (this.#open.size >= maxWatches)
      throw new WeftError("exhausted", `${maxWatches} watches are open already`);
    const stream = new WatchStream(this.#store, this.#clock, options, () => this.#open.delete(stream));
    this.#open.add(stream);
    return new Response(stream.readable, { headers: { "content-type": "application/json" } });
  }

  closeAll(): void {
    for (const stream of this.#open) stream.end();
  }
}

class WatchStream {
  readonly readable: ReadableStream<Uint8Array>;
  readonly #filter: WatchFilter;
  readonly #onEnd: () => void;
  readonly #isAllowed: () => boolean;
  readonly #timers: Timer[] = [];
  readonly #encoder = new TextEncoder();
  #controller: ReadableStreamDefaultController<Uint8Array> | undefined;
  #stopWatching: (() => void) | undefined;
  #sequence: number;
  #isOpen = true;

  constructor(store: Store, clock: Clock, options: WatchOptions, onEnd: () => void) {
    this.#filter = options.filter;
    this.#onEnd = onEnd;
    this.#isAllowed = options.isAllowed;
    this.#sequence = options.fromSequence ?? store.sequence;
    this.readable = new ReadableStream<Uint8Array>(
      {
        start: (controller) => {
          this.#controller = controller;
          this.#begin(store, options);
        },
        cancel: () => this.end(),
      },
      new ByteLengthQueuingStrategy({ highWaterMark: maxUnreadBytes }),
    );
    if (options.timeoutMs !== undefined) this.#timers.push(clock.after(options.timeoutMs, () => this.end()));
    if (options.wantsBookmarks) this.#bookmarkLater(clock);
  }

  end(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    this.#stopWatching?.();
    for (const timer of this.#timers) timer.cancel();
    this.#onEnd();
    try {
      this.#controller?.close();
    } catch {
      // The reader has cancelled: the stream is closed already.
    }
  }

  #begin(store: Store, options: WatchOptions): void {
    if (options.fromSequence === undefined) {
      const { kind, namespace, labels } = this.#filter;
      for (const object of store.list({ kind, namespace, labels }).items) {
        if (this.#isWanted(object)) this.#send("ADDED", object);
      }
    }
    const stop = store.watch(this.#sequence, (events) => this.#forward(events));
    if (stop === "gone") this.#sendGone(`version ${this.#sequence} is no longer kept`);
    else this.#stopWatching = stop;
  }

  #forward(events: readonly WatchEvent[]): void {
    if (!this.#isAllowed()) {
      this.end();
      return;
    }
    for (const event of events) {
      this.#sequence = event.sequence;
      if (event.key.kind === this.#filter.kind && this.#isWanted(event.object)) {
        this.#send(event.type.toUpperCase(), event.object);
      }
    }
  }

  #isWanted(object: ApiObject): boolean {
    const { namespace, name, labels } = this.#filter;
    if (namespace !== undefined && object.metadata.namespace !== namespace) return false;
    if (name !== undefined && object.metadata.name !== name) return false;
    return matchRequirements(labels, object.metadata.labels);
  }

  #bookmarkLater(clock: Clock): void {
    this.#timers[1] = clock.after(bookmarkEveryMs, () => {
      if (!this.#isAllowed()) {
        this.end();
        return;
      }
      const { kind } = this.#filter;
      const metadata = { resourceVersion: String(this.#sequence) };
      this.#send("BOOKMARK", { kind, apiVersion: apiVersionOf(kind), metadata });
      if (this.#isOpen) this.#bookmarkLater(clock);
    });
  }

  #send(type: string, object: unknown): void {
    if (!this.#isOpen || this.#controller === undefined) return;
    if ((this.#controller.desiredSize ?? 0) <= 0) {
      this.#sendGone("this watch was read too slowly");
      return;
    }
    this.#controller.enqueue(this.#encoder.encode(`${JSON.stringify({ type, object })}\n`));
  }

  /** Kubernetes' way of saying: list again. */
  #sendGone(message: string): void {
    const status = { ...statusOf(new WeftError("conflict", message)), reason: "Expired", code: 410 };
    this.#controller?.enqueue(this.#encoder.encode(`${JSON.stringify({ type: "ERROR", object: status })}\n`));
    this.end();
  }
}
