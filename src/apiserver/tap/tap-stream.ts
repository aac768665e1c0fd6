/**
 * A tap as its reader gets it: a line of JSON for each record. A reader that is slower than the traffic loses records and is told how
 * many; it never makes the server keep more than a bound.
 *
 *   started -> (record | loss | alive)* -> end
 */
import { type JsonValue, toJson } from "@bufbuild/protobuf";
import type { TapEvent } from "../../api/index.ts";
import type { Clock, Timer } from "../../kernel/index.ts";
import type { RunningTap, TapListener } from "../../observe/index.ts";
import { type TapRecord, TapRecordSchema } from "../../wire/index.ts";

/** Unread bytes of one tap: thousands of records without bodies. */
const maxUnreadBytes = 2_097_152;
/** So that either side notices that the other is gone. */
const aliveEveryMs = 10_000;
/** Proxies of which a loss is told by name between two records. */
const maxLosers = 256;

export interface TapStreamOptions {
  /** Throws where it cannot be had. */
  readonly start: (listener: TapListener) => RunningTap;
  /** Asked again and again: who lost the right sees no more. */
  readonly isAllowed: () => boolean;
  readonly clock: Clock;
  readonly onEnd: () => void;
}

/** The record as protobuf makes it, which the API's document describes. */
type TapLine = Omit<TapEvent, "record"> & { readonly record?: JsonValue };

export class TapStream implements TapListener {
  readonly readable: ReadableStream<Uint8Array>;
  readonly #options: TapStreamOptions;
  readonly #encoder = new TextEncoder();
  readonly #losses = new Map<string, number>();
  readonly #tap: RunningTap;
  #controller: ReadableStreamDefaultController<Uint8Array> | undefined;
  #timer: Timer | undefined;
  #isOpen = true;

  constructor(options: TapStreamOptions) {
    this.#options = options;
    this.#tap = options.start(this);
    this.readable = new ReadableStream<Uint8Array>(
      {
        start: (controller) => {
          this.#controller = controller;
        },
        pull: () => this.#tellLosses(),
        cancel: () => this.#leave(),
      },
      new ByteLengthQueuingStrategy({ highWaterMark: maxUnreadBytes }),
    );
    this.#send({ type: "started", proxies: this.#tap.proxies });
    this.#aliveLater();
  }

  onRecord(record: TapRecord): void {
    if (!this.#hasRoom) this.#lose("control", 1);
    else this.#send({ type: "record", record: toJson(TapRecordSchema, record) });
  }

  onLoss(proxy: string, count: number): void {
    this.#lose(proxy, count);
    if (this.#hasRoom) this.#tellLosses();
  }

  onEnd(why: string): void {
    this.end(why);
  }

  end(why: string): void {
    if (!this.#isOpen) return;
    this.#tellLosses();
    this.#send({ type: "end", why });
    this.#leave();
    try {
      this.#controller?.close();
    } catch {
      // The reader has cancelled: the stream is closed already.
    }
  }

  get #hasRoom(): boolean {
    return this.#isOpen && (this.#controller?.desiredSize ?? 0) > 0;
  }

  #leave(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    this.#timer?.cancel();
    this.#tap.stop();
    this.#options.onEnd();
  }

  #lose(proxy: string, count: number): void {
    const name = this.#losses.has(proxy) || this.#losses.size < maxLosers ? proxy : "others";
    this.#losses.set(name, (this.#losses.get(name) ?? 0) + count);
  }

  #tellLosses(): void {
    for (const [proxy, count] of this.#losses) this.#send({ type: "loss", proxy, count });
    this.#losses.clear();
  }

  #aliveLater(): void {
    this.#timer = this.#options.clock.after(aliveEveryMs, () => {
      if (!this.#options.isAllowed()) {
        this.end("the right to tap was taken away");
        return;
      }
      if (this.#hasRoom) this.#send({ type: "alive" });
      this.#aliveLater();
    });
  }

  #send(line: TapLine): void {
    if (this.#isOpen) this.#controller?.enqueue(this.#encoder.encode(`${JSON.stringify(line)}\n`));
  }
}
