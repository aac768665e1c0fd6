/**
 * Finds streams whose data has waited too long: the peer gives no window, for the stream or for the connection, and would
 * hold our memory and its place among the streams for ever. One timer for a session, and none while nothing waits.
 */
import type { Clock, Timer } from "../kernel/index.ts";

export interface WaitingStream {
  readonly queuedBytes: number;
  /** Whether anything was sent, or began to wait, since the last time this was asked. */
  takeProgress(): boolean;
}

export class SendStallWatch<Stream extends WaitingStream> {
  readonly #clock: Clock;
  readonly #timeoutMs: number;
  readonly #streams: { all(): Stream[] };
  readonly #onStalled: (stream: Stream) => void;
  #timer: Timer | undefined = undefined;
  #isStopped = false;

  constructor(
    clock: Clock,
    timeoutMs: number,
    streams: { all(): Stream[] },
    onStalled: (stream: Stream) => void,
  ) {
    this.#clock = clock;
    this.#timeoutMs = timeoutMs;
    this.#streams = streams;
    this.#onStalled = onStalled;
  }

  /** A stream's data has to wait. */
  watch(): void {
    if (this.#timer !== undefined || this.#isStopped) return;
    this.#timer = this.#clock.deadline(this.#timeoutMs, () => this.#check());
  }

  stop(): void {
    this.#isStopped = true;
    this.#timer?.cancel();
  }

  /** Looks once in a timeout, so a stream is found between one and two of them after its last progress. */
  #check(): void {
    this.#timer = undefined;
    let mustLookAgain = false;
    for (const stream of this.#streams.all()) {
      if (stream.queuedBytes === 0) continue;
      if (stream.takeProgress()) mustLookAgain = true;
      else this.#onStalled(stream);
    }
    if (mustLookAgain) this.watch();
  }
}
