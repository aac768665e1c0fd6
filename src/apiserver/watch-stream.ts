/**
 * A watch as Kubernetes answers it: one JSON line for each event, without end. A reader that is slower than the changes
 * is told that its version is gone and lists again; it never makes the server keep more than a bound.
 */
import { type ApiObject, keyOf, keyText } from "../api/index.ts";
import { type Clock, type Timer, WeftError } from "../kernel/index.ts";
import type { Store, WatchEvent } from "../store/index.ts";
import { statusOf } from "./answers.ts";
import { isChosen, isSelective, type ObjectFilter } from "./object-filter.ts";
import { bookmark, present, type Representation } from "./representation.ts";

/** Unread bytes of one watch: thousands of changes of ordinary objects. */
const maxUnreadBytes = 4 * 1024 * 1024;
/** Often enough that a reader that is gone is noticed. */
const bookmarkEveryMs = 30_000;
/** Each costs a socket and a listener of the store. */
const maxWatches = 1024;

export interface WatchOptions {
  readonly filter: ObjectFilter;
  readonly form: Representation;
  /** As the path names it. */
  readonly apiVersion: string;
  /** What is there now comes first; "marked": with a bookmark behind it that says so. */
  readonly initial: "none" | "plain" | "marked";
  /** Events after this one. */
  readonly fromSequence: number;
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
  readonly #options: WatchOptions;
  readonly #clock: Clock;
  /** Chosen objects that the reader knows of, by key; only where a change of content can make them come and go. */
  readonly #known: Set<string> | undefined;
  readonly #onEnd: () => void;
  readonly #isAllowed: () => boolean;
  #endTimer: Timer | undefined;
  #bookmarkTimer: Timer | undefined;
  readonly #encoder = new TextEncoder();
  #controller: ReadableStreamDefaultController<Uint8Array> | undefined;
  #stopWatching: (() => void) | undefined;
  #sequence: number;
  #isOpen = true;

  constructor(store: Store, clock: Clock, options: WatchOptions, onEnd: () => void) {
    this.#options = options;
    this.#clock = clock;
    this.#known = isSelective(options.filter) ? new Set() : undefined;
    this.#onEnd = onEnd;
    this.#isAllowed = options.isAllowed;
    this.#sequence = options.fromSequence;
    this.readable = new ReadableStream<Uint8Array>(
      {
        start: (controller) => {
          this.#controller = controller;
          // A head is sent with the first byte alone, and clients wait for it: white space between values of JSON means nothing.
          controller.enqueue(this.#encoder.encode(" "));
          this.#begin(store, options);
        },
        cancel: () => this.end(),
      },
      new ByteLengthQueuingStrategy({ highWaterMark: maxUnreadBytes }),
    );
    if (options.timeoutMs !== undefined) this.#endTimer = clock.after(options.timeoutMs, () => this.end());
    if (options.wantsBookmarks) this.#bookmarkLater(clock);
  }

  end(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    this.#stopWatching?.();
    this.#endTimer?.cancel();
    this.#bookmarkTimer?.cancel();
    this.#onEnd();
    try {
      this.#controller?.close();
    } catch {
      // The reader has cancelled: the stream is closed already.
    }
  }

  #begin(store: Store, options: WatchOptions): void {
    const { filter, initial } = options;
    for (const object of store.list({ kind: filter.kind, namespace: filter.namespace }).items) {
      if (!isChosen(filter, object)) continue;
      if (initial !== "none") this.#sendObject("ADDED", object);
      // What has not been written since then was chosen then.
      if (initial !== "none" || Number(object.metadata.resourceVersion) <= this.#sequence)
        this.#known?.add(keyText(keyOf(object)));
    }
    if (initial === "marked") this.#sendBookmark({ "k8s.io/initial-events-end": "true" });
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
      if (event.key.kind === this.#options.filter.kind) this.#tell(event);
    }
  }

  /** What is not chosen any more is gone for this reader, and what is chosen from now on is new to it. */
  #tell({ type, key, object }: WatchEvent): void {
    const isNow = isChosen(this.#options.filter, object);
    if (this.#known === undefined) {
      if (isNow) this.#sendObject(type.toUpperCase(), object);
      return;
    }
    const name = keyText(key);
    const wasKnown = this.#known.has(name);
    if (isNow && type !== "deleted") {
      this.#known.add(name);
      this.#sendObject(wasKnown ? "MODIFIED" : "ADDED", object);
    } else if (wasKnown || isNow) {
      this.#known.delete(name);
      this.#sendObject("DELETED", object);
    }
  }

  #bookmarkLater(clock: Clock): void {
    this.#bookmarkTimer = clock.after(bookmarkEveryMs, () => {
      if (!this.#isAllowed()) {
        this.end();
        return;
      }
      this.#sendBookmark({});
      if (this.#isOpen) this.#bookmarkLater(clock);
    });
  }

  #sendBookmark(annotations: Readonly<Record<string, string>>): void {
    const { form, filter, apiVersion } = this.#options;
    const metadata = {
      resourceVersion: String(this.#sequence),
      creationTimestamp: null,
      ...(Object.keys(annotations).length === 0 ? {} : { annotations }),
    };
    this.#send("BOOKMARK", bookmark(form, filter.kind, apiVersion, metadata));
  }

  #sendObject(type: string, object: ApiObject): void {
    const { form, apiVersion } = this.#options;
    this.#send(type, present(form, object, apiVersion, this.#clock.nowMs()));
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
