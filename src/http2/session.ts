/**
 * What both ends of an HTTP/2 connection have in common (RFC 9113): framing, header compression, flow control, SETTINGS,
 * PING, the end of the connection. The two ends differ in who opens streams: server-session.ts, client-session.ts.
 *
 *   open --drain() | GOAWAY--> draining --last stream closed--> closing --> closed
 *   open | draining --connection error | connection gone--> closed
 */
import type { Clock, Timer } from "../kernel/index.ts";
import type { CloseCause, ConnectionSink } from "../net/index.ts";
import { AbuseGuard } from "./abuse-guard.ts";
import { ClosedStreams } from "./closed-streams.ts";
import { errorCodeName, type Http2ErrorCode } from "./error-code.ts";
import { defaultWindowBytes } from "./frame.ts";
import { type ByteRange, FrameParser, type FrameSink } from "./frame-parser.ts";
import { FrameTimeout } from "./frame-timeout.ts";
import type { HeadCheck } from "./head-check.ts";
import type { HeaderFields } from "./header-fields.ts";
import { HpackDecoder } from "./hpack-decoder.ts";
import { KeepAlive } from "./keep-alive.ts";
import { defaultHttp2Limits, type Http2Limits } from "./limits.ts";
import { ReceiveWindow } from "./receive-window.ts";
import type { Http2SessionOptions, SessionEnd } from "./session-options.ts";
import { SendStallWatch } from "./send-stall.ts";
import { SessionOutput } from "./session-output.ts";
import type { SessionStream, StreamHost } from "./session-stream.ts";
import {
  applySettings,
  defaultHeaderTableBytes,
  encodeSettings,
  initialSettings,
  type Settings,
} from "./settings.ts";
import type { StreamOutcome } from "./stream.ts";
import { StreamTable } from "./stream-table.ts";
import type { Transport } from "./transport.ts";

const drainPing = new Uint8Array([0x77, 0x65, 0x66, 0x74, 0, 0, 0, 1]);
const keepAlivePing = new Uint8Array([0x77, 0x65, 0x66, 0x74, 0, 0, 0, 2]);

export abstract class Http2Session implements FrameSink, ConnectionSink, StreamHost {
  readonly transport: Transport;
  protected readonly clock: Clock;
  protected readonly limits: Http2Limits;
  readonly output: SessionOutput;
  protected readonly guard: AbuseGuard;
  protected readonly streams = new StreamTable<SessionStream>();
  protected readonly closedStreams = new ClosedStreams();
  protected readonly peer: Settings = initialSettings();
  #hasSettingsAck = false;
  readonly #role: "client" | "server";
  readonly #parser: FrameParser;
  readonly #decoder: HpackDecoder;
  readonly #receiveWindow: ReceiveWindow;
  readonly #keepAlive: KeepAlive | undefined;
  readonly #frameTimeout: FrameTimeout;
  readonly #stallWatch: SendStallWatch<SessionStream>;
  #settingsTimer: Timer | undefined;
  #frameDataBytes = 0;
  #end: SessionEnd | undefined = undefined;
  #isGone = false;

  constructor(role: "client" | "server", transport: Transport, options: Http2SessionOptions) {
    this.#role = role;
    this.transport = transport;
    this.clock = options.clock;
    this.limits = { ...defaultHttp2Limits, ...options.limits };
    this.guard = new AbuseGuard(options.clock, this.limits);
    this.output = new SessionOutput(transport, {
      guard: this.guard,
      maxControlBacklogBytes: this.limits.maxControlBacklogBytes,
      onFlooded: () => this.fail("enhance_your_calm", "the peer asks for answers and does not read them"),
    });
    this.#parser = new FrameParser(this, this.limits, role === "server");
    this.#decoder = new HpackDecoder(defaultHeaderTableBytes, this.limits.maxHeaderListBytes);
    this.#receiveWindow = new ReceiveWindow(Math.max(defaultWindowBytes, this.limits.connectionWindowBytes));
    this.#keepAlive =
      options.keepAlive === undefined
        ? undefined
        : new KeepAlive(options.clock, options.keepAlive, {
            ping: () => this.output.ping(keepAlivePing, 0, false),
            dead: () => this.fail("no_error", "the peer does not answer PING"),
          });
    this.#frameTimeout = new FrameTimeout(options.clock, this.limits.frameTimeoutMs, this.#parser, () => {
      this.fail("enhance_your_calm", "a frame came too slowly");
    });
    this.#stallWatch = new SendStallWatch(
      options.clock,
      this.limits.sendStallTimeoutMs,
      this.streams,
      (stream) => stream.fail("cancel", "the peer gave no window for too long"),
    );
    this.#settingsTimer = options.clock.deadline(this.limits.settingsTimeoutMs, () => {
      this.fail("settings_timeout", "no acknowledgement of SETTINGS");
    });
  }

  /** The verdict on the header list that was received last. */
  protected get check(): HeadCheck {
    return this.#decoder.check;
  }

  /** Takes over the connection. The first flight goes out in one write. */
  protected start(acceptsExtendedConnect: boolean): void {
    const settings = {
      maxConcurrentStreams: this.limits.maxConcurrentStreams,
      initialWindowBytes: this.limits.streamWindowBytes,
      maxHeaderListBytes: this.limits.maxHeaderListBytes,
      acceptsExtendedConnect,
    };
    this.output.settings(encodeSettings(settings, this.#role));
    const extra = this.limits.connectionWindowBytes - defaultWindowBytes;
    if (extra > 0) this.output.windowUpdate(0, extra);
    this.transport.sink = this;
  }

  /** Streams in flight. */
  get streamCount(): number {
    return this.streams.size;
  }

  get isClosed(): boolean {
    return this.#end !== undefined;
  }

  /** The stream of which the peer has sent a part of a head; 0: none. For whoever bounds how long that may take. */
  get unfinishedHead(): number {
    return this.#parser.unfinishedHead;
  }

  /** Ends everything at once: GOAWAY, then the connection. Streams are lost. */
  close(): void {
    this.fail("no_error", "closed here");
  }

  /** The same for a peer that takes too much of us. */
  refusePeer(detail: string): void {
    this.fail("enhance_your_calm", detail);
  }

  protected abstract receiveHeaders(
    streamId: number,
    fields: HeaderFields | "too_large",
    isEnd: boolean,
  ): void;
  protected abstract isIdle(streamId: number): boolean;
  protected abstract get lastPeerStreamId(): number;
  protected abstract streamRemoved(outcome: StreamOutcome): void;
  protected abstract receiveDrainPing(): void;
  protected abstract ended(end: SessionEnd): void;

  // ---- connection ---------------------------------------------------------------------------

  onData(chunk: Uint8Array): void {
    this.#keepAlive?.heard();
    this.#parser.push(chunk);
    if (this.#end === undefined) this.#frameTimeout.check();
  }

  onDrain(): void {
    this.output.drained();
  }

  onEnd(): void {
    this.#finish({ by: "peer", code: "no_error", detail: "the peer ended the connection" });
    this.transport.close();
  }

  onClose(cause: CloseCause): void {
    this.#finish({ by: "peer", code: "no_error", detail: `the connection is gone (${cause})` });
    if (this.#isGone) return;
    this.#isGone = true;
    if (this.#end !== undefined) this.ended(this.#end);
  }

  /** A connection error (RFC 9113, section 5.4.1). */
  protected fail(code: Http2ErrorCode, detail: string): void {
    if (this.#end !== undefined) return;
    this.output.goaway(this.lastPeerStreamId, code);
    this.transport.flush();
    this.#finish({ by: "local", code, detail });
    // A peer that floods and does not read would keep an orderly close waiting.
    if (code === "enhance_your_calm" && this.output.scheduler.isBlocked) this.transport.terminate();
    else this.transport.close();
  }

  /** The end of a drain. */
  protected finishDrain(): void {
    if (this.#end !== undefined) return;
    this.#finish({ by: "local", code: "no_error", detail: "drained" });
    this.transport.close();
  }

  #finish(end: SessionEnd): void {
    if (this.#end !== undefined) return;
    this.#end = end;
    this.output.stop();
    this.#parser.stop();
    this.#keepAlive?.stop();
    this.#stallWatch.stop();
    this.#frameTimeout.stop();
    this.#settingsTimer?.cancel();
    for (const stream of this.streams.all()) stream.lose(end.detail, false);
  }

  protected chargeControl(): boolean {
    if (this.guard.chargeControl()) return true;
    this.fail("enhance_your_calm", "too many frames that carry nothing");
    return false;
  }

  /** A stream that the peer wasted. Only a server has anything to lose by it. */
  protected chargeReset(): boolean {
    if (this.#role === "client" || this.guard.chargeReset()) return true;
    this.fail("enhance_your_calm", "too many streams were reset");
    return false;
  }

  // ---- what streams ask for -----------------------------------------------------------------

  get sendQueueBytes(): number {
    return this.limits.sendQueueBytes;
  }

  get peerWindowBytes(): number {
    return this.peer.initialWindowBytes;
  }

  get streamWindowBytes(): number {
    return this.limits.streamWindowBytes;
  }

  /** Before our SETTINGS are acknowledged the peer may still count with the default window. */
  get streamSlackBytes(): number {
    return this.#hasSettingsAck ? 0 : Math.max(0, defaultWindowBytes - this.limits.streamWindowBytes);
  }

  credit(streamId: number, bytes: number, streamIncrement: number): void {
    if (this.#end !== undefined) return;
    if (streamIncrement > 0) this.output.windowUpdate(streamId, streamIncrement);
    const increment = this.#receiveWindow.consume(bytes);
    if (increment > 0) this.output.windowUpdate(0, increment);
  }

  queued(): void {
    this.#stallWatch.watch();
  }

  closed(stream: SessionStream, outcome: StreamOutcome): void {
    this.output.scheduler.remove(stream);
    this.streams.delete(stream.id);
    this.closedStreams.add(stream.id, stream.wasResetHere);
    if (outcome.kind === "done") this.guard.refundForStream();
    if (this.#end === undefined) this.streamRemoved(outcome);
  }

  // ---- frames -------------------------------------------------------------------------------

  onHeaderBlock(streamId: number, block: ByteRange, isEndOfStream: boolean): void {
    const fields = this.#decoder.decode(block.bytes, block.start, block.end);
    if (fields === "invalid") return this.fail("compression_error", "a header block cannot be decoded");
    this.receiveHeaders(streamId, fields, isEndOfStream);
  }

  onDataFrame(streamId: number, flowBytes: number): void {
    if (!this.#receiveWindow.receive(flowBytes)) {
      return this.fail("flow_control_error", "more data than the connection's window allows");
    }
    const stream = this.streams.get(streamId);
    if (stream === undefined) return this.#lateData(streamId);
    if (stream.isRemoteClosed) return this.faultyStream(stream, "stream_closed", "DATA after END_STREAM");
    if (!stream.hasHead) return this.faultyStream(stream, "protocol_error", "DATA before the head");
    if (!stream.receiveFrame(flowBytes)) {
      return this.faultyStream(stream, "flow_control_error", "more data than the stream's window allows");
    }
  }

  onDataChunk(streamId: number, chunk: Uint8Array, isLast: boolean): void {
    this.#frameDataBytes += chunk.length;
    const stream = this.streams.get(streamId);
    if (stream === undefined) return this.credit(streamId, chunk.length, 0);
    stream.receiveChunk(chunk, isLast);
  }

  onDataEnd(streamId: number, paddingBytes: number, isEndOfStream: boolean): void {
    const dataBytes = this.#frameDataBytes;
    this.#frameDataBytes = 0;
    if (dataBytes > 0) this.guard.refundForData();
    else if (!isEndOfStream && !this.chargeControl()) return;
    const stream = this.streams.get(streamId);
    if (stream === undefined) return paddingBytes > 0 ? this.credit(streamId, paddingBytes, 0) : undefined;
    if (paddingBytes > 0) stream.receivePadding(paddingBytes);
    if (isEndOfStream) stream.receiveEnd(undefined);
  }

  #lateData(streamId: number): void {
    if (this.isIdle(streamId)) return this.fail("protocol_error", "DATA on a stream that was never opened");
    const state = this.closedStreams.stateOf(streamId);
    if (state === "reset") return; // under way when we reset it: only counted against the connection's window
    if (state === "ended") return this.fail("stream_closed", "DATA on a closed stream");
    if (this.chargeReset()) this.output.reset(streamId, "stream_closed");
  }

  onReset(streamId: number, code: number): void {
    const stream = this.streams.get(streamId);
    if (stream === undefined) {
      if (this.isIdle(streamId))
        return this.fail("protocol_error", "RST_STREAM on a stream that was never opened");
      this.chargeControl();
      return;
    }
    if (this.chargeReset()) stream.receiveReset(errorCodeName(code));
  }

  onSettings(bytes: Uint8Array, start: number, end: number): void {
    if (!this.chargeControl()) return;
    const before = this.peer.initialWindowBytes;
    if (!this.applyPeerSettings(bytes.subarray(start, end))) return;
    this.output.settingsAck();
    const change = this.peer.initialWindowBytes - before;
    if (change === 0) return;
    for (const stream of this.streams.all()) {
      if (!stream.widenSendWindow(change))
        return this.fail("flow_control_error", "SETTINGS overflow a window");
    }
  }

  /** Without the acknowledgement and without a word to the streams that are open. */
  protected applyPeerSettings(payload: Uint8Array): boolean {
    const problem = applySettings(this.peer, payload, this.#role);
    if (problem !== undefined) {
      this.fail(problem, "SETTINGS with a value out of range");
      return false;
    }
    this.output.apply(this.peer);
    return true;
  }

  onSettingsAck(): void {
    if (this.#hasSettingsAck) return void this.chargeControl();
    this.#hasSettingsAck = true;
    this.#settingsTimer?.cancel();
    this.#settingsTimer = undefined;
  }

  onPing(bytes: Uint8Array, start: number, isAck: boolean): void {
    if (!this.chargeControl()) return;
    if (!isAck) return this.output.ping(bytes, start, true);
    if (bytes[start + 7] === drainPing[7]) this.receiveDrainPing();
  }

  protected sendDrainPing(): void {
    this.output.ping(drainPing, 0, false);
  }

  abstract onGoaway(lastStreamId: number, code: number): void;

  onWindowUpdate(streamId: number, increment: number): void {
    if (!this.chargeControl()) return;
    if (streamId === 0) {
      if (!this.output.scheduler.widen(increment))
        this.fail("flow_control_error", "the connection's window overflows");
      return;
    }
    const stream = this.streams.get(streamId);
    if (stream === undefined) {
      if (this.isIdle(streamId))
        this.fail("protocol_error", "WINDOW_UPDATE on a stream that was never opened");
      return;
    }
    if (!stream.widenSendWindow(increment)) {
      this.faultyStream(stream, "flow_control_error", "the stream's window overflows");
    }
  }

  onIgnoredFrame(_type: number): void {
    this.chargeControl();
  }

  onStreamError(streamId: number, code: Http2ErrorCode, detail: string): void {
    const stream = this.streams.get(streamId);
    if (stream !== undefined) return this.faultyStream(stream, code, detail);
    if (this.isIdle(streamId)) return this.fail(code, detail);
    if (this.chargeControl() && this.chargeReset()) this.output.reset(streamId, code);
  }

  onConnectionError(code: Http2ErrorCode, detail: string): void {
    this.fail(code, detail);
  }

  /** The peer broke the rules on one stream, which makes us reset it: counted, or it would be a way around the limits. */
  protected faultyStream(stream: SessionStream, code: Http2ErrorCode, detail: string): void {
    if (this.chargeReset()) stream.fail(code, detail);
  }
}
