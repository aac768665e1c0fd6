/** For tests only: two transports joined in memory, and hand-written frames. Nothing moves until `run` is called. */
import { ByteWriter, VirtualClock } from "../kernel/index.ts";
import type { CloseCause, ConnectionSink } from "../net/index.ts";
import { clientPreface } from "./frame.ts";
import { type ByteRange, FrameParser, type FrameSink } from "./frame-parser.ts";
import { HeaderFields } from "./header-fields.ts";
import { HpackDecoder } from "./hpack-decoder.ts";
import { HpackEncoder } from "./hpack-encoder.ts";
import type { Http2Limits } from "./limits.ts";
import { type Http2ServerOptions, Http2ServerSession } from "./server-session.ts";
import type { SessionEnd } from "./session-options.ts";
import type { Http2Stream, StreamOutcome, StreamSink } from "./stream.ts";
import type { Transport } from "./transport.ts";

const silentSink: ConnectionSink = { onData() {}, onDrain() {}, onEnd() {}, onClose() {} };

export class MemoryTransport implements Transport {
  sink: ConnectionSink = silentSink;
  peer: MemoryTransport | undefined = undefined;
  /** False from `write` while more than this is unsent. */
  highWaterBytes = Number.POSITIVE_INFINITY;
  /** While true nothing is taken from here: the peer does not read. */
  isStuck = false;
  isClosed = false;
  #unsent: Uint8Array[] = [];
  #unsentBytes = 0;
  #isFull = false;
  #isClosing = false;

  get bufferedBytes(): number {
    return this.#unsentBytes;
  }

  write(bytes: Uint8Array): boolean {
    if (this.isClosed || this.#isClosing) return false;
    this.#unsent.push(bytes.slice());
    this.#unsentBytes += bytes.length;
    const isOver = this.#unsentBytes > this.highWaterBytes;
    this.#isFull ||= isOver; // once refused, a drain is owed
    return !isOver;
  }

  flush(): void {}

  shutdown(): void {
    this.close();
  }

  close(): void {
    this.#isClosing = true;
    if (!this.isStuck) this.#closeNow("local");
  }

  terminate(): void {
    this.#unsent = [];
    this.#closeNow("local");
  }

  /** All that was written and not yet delivered. */
  take(): Uint8Array {
    const bytes = concat(this.#unsent);
    this.#unsent = [];
    this.#unsentBytes = 0;
    if (this.#isFull) {
      this.#isFull = false;
      this.sink.onDrain();
    }
    return bytes;
  }

  lose(cause: CloseCause): void {
    this.#closeNow(cause);
  }

  #closeNow(cause: CloseCause): void {
    if (this.isClosed) return;
    this.isClosed = true;
    this.sink.onClose(cause);
  }
}

export function memoryPair(): { left: MemoryTransport; right: MemoryTransport; run: () => void } {
  const left = new MemoryTransport();
  const right = new MemoryTransport();
  const move = (from: MemoryTransport, to: MemoryTransport): boolean => {
    if (from.isStuck) return false;
    const bytes = from.take();
    if (bytes.length === 0) return false;
    if (!to.isClosed) to.sink.onData(bytes);
    return true;
  };
  const run = (): void => {
    let hasMoved = true;
    while (hasMoved) {
      const one = move(left, right);
      const two = move(right, left);
      hasMoved = one || two;
    }
    if (left.isClosed && !right.isClosed) right.sink.onEnd();
    else if (right.isClosed && !left.isClosed) left.sink.onEnd();
  };
  return { left, right, run };
}

export function concat(parts: readonly Uint8Array[]): Uint8Array {
  return Uint8Array.from(Buffer.concat(parts));
}

export function frame(
  type: number,
  flags: number,
  streamId: number,
  payload: readonly number[] | Uint8Array,
): Uint8Array {
  const bytes = new Uint8Array(9 + payload.length);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, payload.length * 256 + type);
  bytes[4] = flags;
  view.setUint32(5, streamId);
  bytes.set(payload, 9);
  return bytes;
}

export function uint32(value: number): number[] {
  return [(value >>> 24) & 255, (value >>> 16) & 255, (value >>> 8) & 255, value & 255];
}

export function bytesOf(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

/** Writes down every frame, header blocks decoded: "HEADERS 1 end :status=200". */
export class FrameRecorder implements FrameSink {
  readonly lines: string[] = [];
  readonly #decoder = new HpackDecoder(4096, 1 << 20);
  readonly #parser: FrameParser;
  #data = "";

  constructor(expectPreface = false) {
    this.#parser = new FrameParser(
      this,
      { maxHeaderBlockBytes: 1 << 20, maxContinuations: 1000 },
      expectPreface,
    );
  }

  /** Returns the lines that these bytes made. */
  read(bytes: Uint8Array): string[] {
    const before = this.lines.length;
    this.#parser.push(bytes);
    return this.lines.slice(before);
  }

  onDataFrame(): void {
    this.#data = "";
  }
  onDataChunk(_streamId: number, chunk: Uint8Array): void {
    this.#data += Buffer.from(chunk).toString("latin1");
  }
  onDataEnd(streamId: number, padding: number, isEnd: boolean): void {
    const text = this.#data.length > 40 ? `(${this.#data.length})` : this.#data;
    this.lines.push(
      `DATA ${streamId}${isEnd ? " end" : ""} ${text}${padding > 0 ? ` +${padding}` : ""}`.trimEnd(),
    );
  }
  onHeaderBlock(streamId: number, block: ByteRange, isEnd: boolean): void {
    const fields = this.#decoder.decode(block.bytes, block.start, block.end);
    const text = fields instanceof HeaderFields ? fields.entries().map(([n, v]) => `${n}=${v}`) : [fields];
    this.lines.push(`HEADERS ${streamId}${isEnd ? " end" : ""} ${text.join(" ")}`);
  }
  onReset(streamId: number, code: number): void {
    this.lines.push(`RST_STREAM ${streamId} ${code}`);
  }
  onSettings(_bytes: Uint8Array, start: number, end: number): void {
    this.lines.push(`SETTINGS ${(end - start) / 6}`);
  }
  onSettingsAck(): void {
    this.lines.push("SETTINGS ack");
  }
  onPing(bytes: Uint8Array, start: number, isAck: boolean): void {
    const data = Buffer.from(bytes.subarray(start, start + 8)).toString("hex");
    this.lines.push(`PING${isAck ? " ack" : ""} ${data}`);
  }
  onGoaway(last: number, code: number): void {
    this.lines.push(`GOAWAY ${last} ${code}`);
  }
  onWindowUpdate(streamId: number, increment: number): void {
    this.lines.push(`WINDOW_UPDATE ${streamId} ${increment}`);
  }
  onIgnoredFrame(type: number): void {
    this.lines.push(`IGNORED ${type}`);
  }
  onStreamError(streamId: number, code: string): void {
    this.lines.push(`STREAM ERROR ${streamId} ${code}`);
  }
  onConnectionError(code: string): void {
    this.lines.push(`CONNECTION ERROR ${code}`);
  }
}

/** Writes down what a stream's user is told. */
export class RecordingSink implements StreamSink {
  readonly events: string[] = [];
  receivedBytes = 0;
  outcome: StreamOutcome | undefined = undefined;
  onDrained: (() => void) | undefined = undefined;

  onHead(fields: HeaderFields): void {
    this.events.push(`head ${fields.get(":status")}`);
  }
  onInterim(fields: HeaderFields): void {
    this.events.push(`interim ${fields.get(":status")}`);
  }
  onData(chunk: Uint8Array): void {
    this.receivedBytes += chunk.length;
    this.events.push(
      chunk.length > 40 ? `data (${chunk.length})` : `data ${Buffer.from(chunk).toString("latin1")}`,
    );
  }
  onEnd(trailers: HeaderFields | undefined): void {
    const text = trailers?.entries().map(([n, v]) => `${n}=${v}`);
    this.events.push(text === undefined ? "end" : `end ${text.join(" ")}`);
  }
  onDrain(): void {
    this.onDrained?.();
  }
  onClose(outcome: StreamOutcome): void {
    this.outcome = outcome;
    this.events.push(`close ${describe(outcome)}`);
  }
}

function describe(outcome: StreamOutcome): string {
  if (outcome.kind === "reset") return `reset by ${outcome.by}: ${outcome.code}`;
  return outcome.kind === "lost" ? `lost${outcome.isUnprocessed ? " unprocessed" : ""}` : "done";
}

export function encodeBlock(encoder: HpackEncoder, fields: HeaderFields): Uint8Array {
  const out = new ByteWriter();
  encoder.encode(fields, out);
  return out.take();
}

/** HEADERS for hand-written requests; one encoder for a connection. */
export class BlockWriter {
  readonly #encoder = new HpackEncoder();

  block(entries: readonly (readonly [string, string])[]): Uint8Array {
    return encodeBlock(this.#encoder, HeaderFields.of(entries));
  }

  request(streamId: number, flags: number, extra: readonly (readonly [string, string])[] = []): Uint8Array {
    const head: [string, string][] = [
      [":method", "POST"],
      [":scheme", "http"],
      [":path", "/"],
      [":authority", "x"],
    ];
    return frame(1, flags | 4, streamId, this.block([...head, ...extra]));
  }
}

/** A server whose client is raw bytes. */
export class RawClient {
  readonly clock = new VirtualClock();
  readonly wires = memoryPair();
  readonly blocks = new BlockWriter();
  readonly streams: Http2Stream[] = [];
  readonly requests: HeaderFields[] = [];
  readonly sinks: RecordingSink[] = [];
  readonly refused: string[] = [];
  end: SessionEnd | undefined = undefined;
  readonly session: Http2ServerSession;
  readonly #recorder = new FrameRecorder();

  /** "unopened": not even the preface is sent. */
  constructor(
    limits: Partial<Http2Limits> = {},
    options: Partial<Http2ServerOptions> = {},
    start: "opened" | "unopened" = "opened",
  ) {
    this.session = new Http2ServerSession(
      this.wires.right,
      {
        onStream: (stream, request) => {
          const sink = new RecordingSink();
          stream.sink = sink;
          this.streams.push(stream);
          this.requests.push(request);
          this.sinks.push(sink);
        },
        onRefused: (reason, detail) => void this.refused.push(`${reason}: ${detail}`),
        onClose: (end) => void (this.end = end),
      },
      { clock: this.clock, limits, ...options },
    );
    if (start === "opened") this.send(clientPreface, frame(4, 0, 0, []), frame(4, 1, 0, []));
  }

  /** Returns the frames of the answer. */
  send(...frames: readonly Uint8Array[]): string[] {
    this.wires.right.sink.onData(concat(frames));
    return this.read();
  }

  read(): string[] {
    return this.#recorder.read(this.wires.right.take());
  }
}
