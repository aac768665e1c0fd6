/**
 * One call on the client, from before there is a connection to its final status.
 *
 *   waiting --start--> open --status | reset | deadline | cancel | connection lost--> closed
 *   waiting --no connection | deadline | cancel--> closed
 */
import type { Clock, Timer } from "../kernel/index.ts";
import {
  HeaderFields,
  type Http2ClientSession,
  type Http2Stream,
  type StreamOutcome,
  type StreamSink,
} from "../http2/index.ts";
import type { CallReceiver, RawCall } from "./bidi-stream.ts";
import { isGrpcContentType } from "../kernel/index.ts";
import { decodeGrpcMessage } from "./message-text.ts";
import { appendMetadata, type Metadata } from "./metadata.ts";
import { MessageReader } from "./message-reader.ts";
import { writeMessage } from "./message-writer.ts";
import { type GrpcStatus, parseGrpcCode, statusOfHttp, statusOfOutcome } from "./status.ts";
import { encodeGrpcTimeout } from "./timeout.ts";

export interface ClientCallOptions {
  readonly path: string;
  readonly authority: string;
  readonly scheme: "http" | "https";
  readonly clock: Clock;
  readonly metadata?: Metadata | undefined;
  readonly timeoutMs?: number | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Still waiting, and over: the client takes it out of its queue. */
  onAbandoned(call: ClientCall): void;
}

export class ClientCall implements StreamSink, RawCall {
  readonly #options: ClientCallOptions;
  readonly #deadlineMs: number | undefined;
  readonly #deadline: Timer | undefined;
  readonly #reader: MessageReader;
  readonly #onAbort = (): void => this.close({ code: "cancelled", message: "cancelled by the caller" });
  #handler: CallReceiver | undefined = undefined;
  #stream: Http2Stream | undefined = undefined;
  /** Messages sent before there is a stream, each in its parts. */
  #waiting: (readonly Uint8Array[])[] = [];
  #isEnding = false;
  #isClosed = false;
  #head: HeaderFields | undefined = undefined;

  constructor(options: ClientCallOptions) {
    this.#options = options;
    this.#reader = new MessageReader((bytes) => this.#handler?.receive(bytes));
    const { clock, timeoutMs, signal } = options;
    this.#deadlineMs = timeoutMs === undefined ? undefined : clock.nowMs() + timeoutMs;
    this.#deadline =
      timeoutMs === undefined
        ? undefined
        : clock.deadline(timeoutMs, () =>
            this.close({ code: "deadline_exceeded", message: "no answer in time" }),
          );
    signal?.addEventListener("abort", this.#onAbort, { once: true });
  }

  /** Connects the user's side. Separate from the constructor, because the two know each other. */
  attach(handler: CallReceiver): void {
    this.#handler = handler;
  }

  /** For a signal that was aborted before it was given to us. */
  checkSignal(): void {
    if (this.#options.signal?.aborted === true) this.#onAbort();
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** False: the session takes no stream now, and the call goes on waiting. */
  start(session: Http2ClientSession): boolean {
    if (this.#isClosed) return true;
    const isEmptyRequest = this.#isEnding && this.#waiting.length === 0;
    const stream = session.request(this.#requestHead(), isEmptyRequest, this);
    if (stream === undefined) return false;
    this.#stream = stream;
    const waiting = this.#waiting;
    this.#waiting = [];
    let isWritable = true;
    for (const parts of waiting) isWritable = writeMessage(stream, parts);
    if (this.#isEnding) stream.end();
    else if (isWritable) this.#handler?.drained();
    return true;
  }

  sendParts(parts: readonly Uint8Array[]): boolean {
    if (this.#isClosed || this.#isEnding) return false;
    if (this.#stream !== undefined) return writeMessage(this.#stream, parts);
    this.#waiting.push(parts);
    return false;
  }

  /** Without a status: no more messages from here. */
  close(status?: GrpcStatus): void {
    if (this.#isClosed) return;
    if (status !== undefined) {
      this.finish(status);
      return;
    }
    this.#isEnding = true;
    this.#stream?.end();
  }

  pause(): void {
    this.#stream?.pause();
  }

  resume(): void {
    this.#stream?.resume();
  }

  /** Ends the call, whatever state it is in. */
  finish(status: GrpcStatus): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#deadline?.cancel();
    this.#options.signal?.removeEventListener("abort", this.#onAbort);
    this.#reader.stop();
    this.#waiting = [];
    if (this.#stream === undefined) this.#options.onAbandoned(this);
    else if (!this.#stream.isClosed) this.#stream.reset("cancel");
    this.#handler?.closed(status);
  }

  onHead(fields: HeaderFields): void {
    this.#head = fields;
    const httpStatus = fields.get(":status") ?? "";
    if (fields.get("grpc-status") !== undefined) return; // the whole answer; the end follows
    if (httpStatus !== "200") return this.finish(statusOfHttp(httpStatus));
    const type = fields.get("content-type") ?? "";
    if (!isGrpcContentType(type)) {
      return this.finish({ code: "unknown", message: `the response is "${type.slice(0, 64)}", not gRPC` });
    }
    const encoding = fields.get("grpc-encoding") ?? "identity";
    if (encoding !== "identity")
      this.finish({ code: "internal", message: `grpc-encoding ${encoding} was not asked for` });
  }

  onInterim(): void {}

  onData(chunk: Uint8Array): void {
    const problem = this.#reader.push(chunk);
    if (problem !== undefined) this.finish(problem);
  }

  onEnd(trailers: HeaderFields | undefined): void {
    if (this.#isClosed) return;
    const fields = trailers ?? this.#head;
    const text = fields?.get("grpc-status");
    if (fields === undefined || text === undefined) {
      return this.finish({ code: "internal", message: "the response ended without a status" });
    }
    const code = parseGrpcCode(text);
    if (code === undefined) return this.finish({ code: "unknown", message: "malformed grpc-status" });
    if (code === "ok" && !this.#reader.isBetweenMessages) {
      return this.finish({ code: "internal", message: "the response ended inside a message" });
    }
    this.#handler?.receiveEnd();
    this.finish({ code, message: decodeGrpcMessage(fields.get("grpc-message") ?? "") });
  }

  onDrain(): void {
    if (!this.#isClosed && !this.#isEnding) this.#handler?.drained();
  }

  onClose(outcome: StreamOutcome): void {
    this.finish(statusOfOutcome(outcome));
  }

  #requestHead(): HeaderFields {
    const { path, authority, scheme, metadata, clock } = this.#options;
    const fields = HeaderFields.of([
      [":method", "POST"],
      [":scheme", scheme],
      [":path", path],
      [":authority", authority],
      ["te", "trailers"],
      ["content-type", "application/grpc"],
      ["user-agent", "weft-grpc"],
    ]);
    if (this.#deadlineMs !== undefined)
      fields.add("grpc-timeout", encodeGrpcTimeout(this.#deadlineMs - clock.nowMs()));
    if (metadata !== undefined) appendMetadata(fields, metadata);
    return fields;
  }
}
