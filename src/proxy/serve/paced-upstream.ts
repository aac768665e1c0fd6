/**
 * A response whose body comes at no more than so many bytes a second: stands between an upstream and whoever forwards its
 * answer. What has come too early is held here, and the upstream paused meanwhile, so that no more of it comes than was
 * under way. Tunnels are not paced.
 */
import type { ResetCode } from "../../grpc/index.ts";
import type { ReasonCode } from "../../kernel/index.ts";
import type { Connection, WheelTimer } from "../../net/index.ts";
import type { HttpResponse, HttpVersion, Trailers } from "../http/index.ts";
import type { UpstreamHandler, UpstreamRequest, UpstreamStream } from "../upstream/index.ts";
import type { ServeContext } from "./context.ts";

/** Short enough to look like a slow line, long enough that a slice is worth its system call. */
const sliceMs = 100;
/** What was not sent in time, as while the client did not read, is made up for by no more than this. */
const maxCreditMs = 250;

export class PacedUpstream implements UpstreamStream, UpstreamHandler {
  readonly version: HttpVersion;
  readonly isReused: boolean;
  readonly #inner: UpstreamStream;
  readonly #context: ServeContext;
  readonly #bytesPerSecond: number;
  #handler: UpstreamHandler | undefined = undefined;
  #held: Uint8Array[] = [];
  /** Fractions of a byte too. */
  #credit = 0;
  #creditUs = 0;
  #timer: WheelTimer | undefined = undefined;
  #isPaused = false;
  #isTunnel = false;
  /** Its last body chunk says that it is the last. */
  #knowsLast = false;
  #isInnerEnded = false;
  #trailers: Trailers | undefined = undefined;
  #isOver = false;

  constructor(inner: UpstreamStream, context: ServeContext, bytesPerSecond: number) {
    this.version = inner.version;
    this.isReused = inner.isReused;
    this.#inner = inner;
    this.#context = context;
    this.#bytesPerSecond = bytesPerSecond;
  }

  // ---- for whoever forwards the answer

  begin(handler: UpstreamHandler, request: UpstreamRequest): string | undefined {
    this.#handler = handler;
    return this.#inner.begin(this, request);
  }

  writeBody(chunk: Uint8Array): boolean {
    return this.#inner.writeBody(chunk);
  }

  writeEnd(trailers: Trailers | undefined): void {
    if (!this.#isInnerEnded) this.#inner.writeEnd(trailers);
  }

  pause(): void {
    this.#isPaused = true;
    if (!this.#isInnerEnded) this.#inner.pause();
  }

  resume(): void {
    this.#isPaused = false;
    if (this.#held.length > 0) this.#schedule();
    else if (!this.#isInnerEnded) this.#inner.resume();
  }

  abandon(): void {
    const isInnerEnded = this.#isInnerEnded;
    this.#end();
    if (!isInnerEnded) this.#inner.abandon();
  }

  enterTunnel(): void {
    this.#isTunnel = true;
    this.#inner.enterTunnel();
  }

  detach(): Connection | undefined {
    return this.#inner.detach();
  }

  // ---- for the upstream

  onUpstreamInterim(head: HttpResponse): void {
    this.#handler?.onUpstreamInterim(head);
  }

  onUpstreamHead(head: HttpResponse): void {
    this.#creditUs = this.#context.clock.monotonicUs();
    this.#handler?.onUpstreamHead(head);
  }

  onUpstreamBody(chunk: Uint8Array, isLast = false): void {
    if (this.#isOver) return;
    if (this.#isTunnel) {
      this.#handler?.onUpstreamBody(chunk, isLast);
      return;
    }
    if (chunk.length > 0) this.#held.push(chunk);
    this.#knowsLast = isLast;
    if (!isLast) this.#inner.pause();
    this.#schedule();
  }

  onUpstreamEnd(trailers: Trailers | undefined): void {
    if (this.#isOver) return;
    this.#isInnerEnded = true;
    this.#trailers = trailers;
    if (this.#held.length === 0) this.#finish();
  }

  onUpstreamDrain(): void {
    this.#handler?.onUpstreamDrain();
  }

  /** What is held goes with it: the answer is cut short either way. */
  onUpstreamLost(reason: ReasonCode, detail: string, isUnprocessed: boolean, resetCode?: ResetCode): void {
    if (this.#isOver) return;
    const handler = this.#handler;
    this.#end();
    handler?.onUpstreamLost(reason, detail, isUnprocessed, resetCode);
  }

  // ---- inside

  #schedule(): void {
    if (this.#timer !== undefined || this.#isPaused) return;
    this.#timer = this.#context.wheel.schedule(sliceMs, () => this.#onSlice());
  }

  #onSlice(): void {
    this.#timer = undefined;
    let allowed = this.#earn();
    // Anything may happen while a slice is forwarded.
    while (allowed > 0 && this.#held.length > 0 && !this.#isPaused && !this.#isOver) {
      const slice = this.#take(allowed);
      allowed -= slice.length;
      this.#credit -= slice.length;
      this.#handler?.onUpstreamBody(slice, this.#knowsLast && this.#held.length === 0);
    }
    if (this.#isOver) return;
    if (this.#held.length > 0) this.#schedule();
    else if (this.#isInnerEnded) this.#finish();
    else if (!this.#isPaused) this.#inner.resume();
  }

  /** Whole bytes that may go now. */
  #earn(): number {
    const nowUs = this.#context.clock.monotonicUs();
    const earned = ((nowUs - this.#creditUs) * this.#bytesPerSecond) / 1e6;
    this.#creditUs = nowUs;
    const most = Math.max(1, (this.#bytesPerSecond * maxCreditMs) / 1000);
    this.#credit = Math.min(this.#credit + earned, most);
    return Math.floor(this.#credit);
  }

  #take(allowed: number): Uint8Array {
    const [first = new Uint8Array()] = this.#held;
    if (first.length <= allowed) {
      this.#held.shift();
      return first;
    }
    this.#held[0] = first.subarray(allowed);
    return first.subarray(0, allowed);
  }

  #finish(): void {
    const handler = this.#handler;
    this.#end();
    handler?.onUpstreamEnd(this.#trailers);
  }

  #end(): void {
    this.#isOver = true;
    this.#isInnerEnded = true;
    this.#held = [];
    this.#timer?.cancel();
    this.#timer = undefined;
  }
}
