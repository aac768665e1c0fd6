/**
 * The incremental part that requests and responses share: one message after another, a head and then its body.
 *
 *   idle --next()--> head --head complete--> length | chunked | until_close --body complete--> idle
 *   any --fault | stop()--> stopped
 *
 * Body slices are views of the pushed chunk and never copies.
 */
import { ChunkedDecoder, type ChunkedSink } from "./chunked-decoder.ts";
import { fault, incomplete } from "./faults.ts";
import type { Http1Limits } from "./limits.ts";
import type { BodyKind } from "./message-head.ts";
import { SectionBuffer, type SectionParser } from "./section-buffer.ts";

type State = "idle" | "head" | "length" | "chunked" | "until_close" | "stopped";

export abstract class MessageParser implements SectionParser, ChunkedSink {
  protected readonly limits: Http1Limits;
  #state: State;
  /** Of a "length" body: bytes to come. */
  #left: number;
  readonly #headBuffer: SectionBuffer;
  /** Made with the first chunked body. */
  #chunked: ChunkedDecoder | undefined;

  constructor(limits: Http1Limits, state: "idle" | "head") {
    this.limits = limits;
    this.#state = state;
    this.#left = 0;
    this.#headBuffer = new SectionBuffer(this, limits.maxHeadBytes);
    this.#chunked = undefined;
  }

  /** Parses one head out of `bytes` and remembers it for `deliverHead`. */
  abstract parseSection(bytes: Buffer, start: number, end: number): number;
  /** Tells the sink about the head; says how its body is framed, or that another head follows. */
  protected abstract deliverHead(): { readonly body: BodyKind; readonly contentLength: number } | "interim";
  abstract onBody(data: Uint8Array): void;
  abstract onTrailers(lines: Uint8Array): void;
  protected abstract messageEnd(): void;
  protected abstract fail(code: number): void;
  /** The peer's FIN came in the middle of a message. */
  protected abstract truncated(): void;

  get isStopped(): boolean {
    return this.#state === "stopped";
  }

  /** Of a head or trailers that are not whole yet: what is held of them. */
  get bufferedBytes(): number {
    return this.#headBuffer.length + (this.#chunked?.bufferedBytes ?? 0);
  }

  /** Whether the peer's FIN cuts nothing off: by default between two messages, with nothing read of the next. */
  protected get mayEnd(): boolean {
    return this.isBetween || (this.#state === "head" && this.#headBuffer.length === 0);
  }

  protected get isBetween(): boolean {
    return this.#state === "idle";
  }

  /**
   * Returns how many bytes were consumed. Fewer than given after the end of a message: the rest belongs to the next one
   * and is to be pushed again later, or to a tunnel, or (behind a response) to nobody.
   */
  push(chunk: Uint8Array): number {
    const end = chunk.length;
    let at = 0;
    while (at < end) {
      let after: number;
      switch (this.#state) {
        case "head":
          after = this.#pushHead(chunk, at, end);
          break;
        case "length":
          after = this.#pushLength(chunk, at, end);
          break;
        case "chunked":
          after = this.#pushChunked(chunk, at, end);
          break;
        case "until_close":
          after = end;
          this.onBody(at === 0 ? chunk : chunk.subarray(at));
          break;
        case "idle":
          this.onIdleBytes();
          return at;
        case "stopped":
          return end;
      }
      if (after < 0) {
        this.#fault(after);
        return end;
      }
      at = after;
    }
    return at;
  }

  /** The peer's FIN. */
  end(): void {
    if (this.#state === "stopped" || this.mayEnd) return;
    const isWhole = this.#state === "until_close";
    this.#state = "stopped";
    if (isWhole) this.messageEnd();
    else this.truncated();
  }

  /** No callback any more; whatever is pushed is dropped. */
  stop(): void {
    this.#state = "stopped";
  }

  /** The next message may come. */
  protected expectHead(): void {
    if (this.#state === "idle") this.#state = "head";
  }

  /** Bytes came between two messages; they stay with the caller. */
  protected abstract onIdleBytes(): void;

  #fault(code: number): void {
    if (this.#state === "stopped") return;
    this.#state = "stopped";
    this.fail(code);
  }

  #pushHead(chunk: Uint8Array, at: number, end: number): number {
    const after = this.#headBuffer.push(chunk, at, end);
    if (after === incomplete) return end;
    if (after < 0) return after;
    const head = this.deliverHead();
    // The sink may have stopped us.
    if (head === "interim" || this.#state !== "head") return after;
    switch (head.body) {
      case "none":
        this.#finish();
        break;
      case "length":
        this.#left = head.contentLength;
        if (this.#left === 0) this.#finish();
        else this.#state = "length";
        break;
      case "chunked":
        this.#chunked ??= new ChunkedDecoder(this, this.limits);
        this.#chunked.reset();
        this.#state = "chunked";
        break;
      case "until_close":
        this.#state = "until_close";
        break;
    }
    return after;
  }

  #pushLength(chunk: Uint8Array, at: number, end: number): number {
    const after = Math.min(end, at + this.#left);
    this.#left -= after - at;
    const isLast = this.#left === 0;
    this.onBody(at === 0 && after === chunk.length ? chunk : chunk.subarray(at, after));
    if (isLast && this.#state === "length") this.#finish();
    return after;
  }

  #pushChunked(chunk: Uint8Array, at: number, end: number): number {
    const decoder = this.#chunked;
    if (decoder === undefined) return fault.badChunkSize;
    const after = decoder.decode(chunk, at, end);
    if (decoder.isDone && this.#state === "chunked") this.#finish();
    return after;
  }

  #finish(): void {
    this.#state = "idle";
    this.messageEnd();
  }
}
