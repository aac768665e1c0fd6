/**
 * One call on the server: reads the request's head, enforces the deadline, sends messages and the final status.
 *
 *   open --messages--> open --close(status) | deadline | reset | connection lost--> closed
 */
import type { Clock, Timer } from "../kernel/index.ts";
import type { HeaderFields, Http2Stream, StreamOutcome, StreamSink } from "../http2/index.ts";
import type { PeerCertificate } from "../net/index.ts";
import type { CallReceiver, RawCall } from "./bidi-stream.ts";
import type { CallContext } from "./call-context.ts";
import { type Metadata, readMetadata } from "./metadata.ts";
import { MessageReader } from "./message-reader.ts";
import { writeMessage } from "./message-writer.ts";
import { responseHead, statusTrailers, trailersOnlyHead } from "./response-fields.ts";
import { type GrpcStatus, okStatus, statusOfError, statusOfOutcome } from "./status.ts";
import { grpcCodes } from "../kernel/index.ts";
import { parseGrpcTimeout } from "./timeout.ts";

export interface ServerCallOptions {
  readonly clock: Clock;
  readonly peer: PeerCertificate | undefined;
  readonly remoteAddress: string;
  readonly isStreaming: boolean;
  /** A handler threw something that is no WeftError. */
  onDefect(error: unknown): void;
  onClosed(call: ServerCall): void;
}

export class ServerCall implements StreamSink, CallContext, RawCall {
  readonly path: string;
  readonly isStreaming: boolean;
  readonly peer: PeerCertificate | undefined;
  readonly remoteAddress: string;
  readonly metadata: Metadata;
  readonly deadlineMs: number | undefined;
  readonly #stream: Http2Stream;
  readonly #options: ServerCallOptions;
  readonly #reader: MessageReader;
  /** Made for whoever asks: a discovery stream never does, and there are thousands. */
  #abort: AbortController | undefined = undefined;
  readonly #deadline: Timer | undefined;
  #handler: CallReceiver | undefined = undefined;
  #hasSentHead = false;
  #isClosed = false;
  #isAborted = false;

  constructor(stream: Http2Stream, request: HeaderFields, options: ServerCallOptions) {
    this.#stream = stream;
    this.#options = options;
    this.isStreaming = options.isStreaming;
    this.path = request.get(":path") ?? "";
    this.peer = options.peer;
    this.remoteAddress = options.remoteAddress;
    this.metadata = readMetadata(request);
    this.#reader = new MessageReader((bytes) => this.guard(() => this.#handler?.receive(bytes)));
    const timeoutMs = parseGrpcTimeout(request.get("grpc-timeout") ?? "");
    this.deadlineMs = timeoutMs === undefined ? undefined : options.clock.nowMs() + timeoutMs;
    this.#deadline =
      timeoutMs === undefined
        ? undefined
        : options.clock.after(timeoutMs, () =>
            this.close({ code: "deadline_exceeded", message: "deadline passed" }),
          );
  }

  get signal(): AbortSignal {
    this.#abort ??= new AbortController();
    if (this.#isAborted) this.#abort.abort();
    return this.#abort.signal;
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  begin(accept: (call: ServerCall) => CallReceiver): void {
    this.#handler = accept(this);
  }

  sendParts(parts: readonly Uint8Array[]): boolean {
    if (this.#isClosed) return false;
    if (!this.#hasSentHead) {
      this.#hasSentHead = true;
      this.#stream.sendHead(responseHead, false);
    }
    return writeMessage(this.#stream, parts);
  }

  close(status: GrpcStatus = okStatus): void {
    if (this.#isClosed) return;
    const number = grpcCodes[status.code];
    if (this.#hasSentHead) this.#stream.end(statusTrailers(number, status.message));
    else this.#stream.sendHead(trailersOnlyHead(number, status.message), true);
    this.#finish(status);
    this.#stream.discardInput();
  }

  pause(): void {
    this.#stream.pause();
  }

  resume(): void {
    this.#stream.resume();
  }

  /** Runs a handler's code; what it throws ends the call. */
  guard(run: () => void): void {
    try {
      run();
    } catch (error) {
      this.fail(error);
    }
  }

  fail(error: unknown): void {
    const status = statusOfError(error);
    if (status.code === "internal") this.#options.onDefect(error);
    this.close(status);
  }

  onHead(): void {}

  onInterim(): void {}

  onData(chunk: Uint8Array): void {
    const problem = this.#reader.push(chunk);
    if (problem !== undefined) this.close(problem);
  }

  onEnd(): void {
    if (this.#isClosed) return;
    if (!this.#reader.isBetweenMessages) {
      return this.close({ code: "internal", message: "the request ended inside a message" });
    }
    this.guard(() => this.#handler?.receiveEnd());
  }

  onDrain(): void {
    if (!this.#isClosed) this.guard(() => this.#handler?.drained());
  }

  onClose(outcome: StreamOutcome): void {
    this.#finish(statusOfOutcome(outcome));
    this.#options.onClosed(this);
  }

  #finish(status: GrpcStatus): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#deadline?.cancel();
    this.#reader.stop();
    this.#isAborted = status.code !== "ok";
    if (this.#isAborted) this.#abort?.abort();
    this.guard(() => this.#handler?.closed(status));
  }
}
