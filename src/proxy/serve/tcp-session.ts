/**
 * One raw TCP connection through the proxy: has an endpoint dialled (or takes over a dial that is under way), joins the
 * two. Bytes are counted while it is open; databases keep theirs for days. One that carries nothing for the mesh's
 * `tcpIdleTimeout` is reset on both sides: a proper end would look like the end of the data.
 */
import type { ReasonCode } from "../../kernel/index.ts";
import type { CloseCause, Connection, ConnectionSink } from "../../net/index.ts";
import { SessionProtocol } from "../../wire/index.ts";
import type { FilterRefusal } from "../admission/index.ts";
import type { EdgeSeries, SeriesCell } from "../telemetry/index.ts";
import type { ClientConnection, ConnectionSet } from "./connection-set.ts";
import type { ServeContext } from "./context.ts";
import { type FaultHost, FaultInjection, type FaultOutcome } from "./fault-injection.ts";
import { recordTcp, telemetryOf } from "./outcome.ts";
import { Relay, type RelayListener } from "./relay.ts";
import { type AdmittedSession, SessionAdmission } from "./session-admission.ts";
import { type DialFailure, type DialListener, TcpDial, type TcpTarget, traceOf } from "./tcp-dial.ts";

/** A dial that somebody else began, and what came on its connection meanwhile. */
export interface OpenedDial {
  readonly dial: TcpDial;
  readonly fromServer: Uint8Array | undefined;
  readonly isServerEnded: boolean;
}

/** Where MeshConfig has no limits, of silence. */
const defaultIdleTimeoutMs = 3_600_000;

/** Undefined: none. */
export function tcpIdleTimeoutMs(context: ServeContext): number | undefined {
  const limits = context.agent.snapshot.mesh?.limits;
  return limits === undefined ? defaultIdleTimeoutMs : limits.tcpIdleTimeoutMs || undefined;
}

export class TcpSession
  implements ConnectionSink, RelayListener, ClientConnection, DialListener, FaultHost, AdmittedSession
{
  readonly #client: Connection;
  readonly #context: ServeContext;
  readonly #target: TcpTarget;
  readonly #members: ConnectionSet;
  readonly #startUs: number;
  #alreadyRead: Uint8Array | undefined;
  #isClientEnded = false;
  #opened: OpenedDial | undefined;
  #dial: TcpDial | undefined;
  /** Undefined: no policy is enforced here. */
  readonly #admission: SessionAdmission | undefined;
  fault: FaultInjection | undefined = undefined;
  #relay: Relay | undefined;
  /** Where it was counted as opened; undefined: it was not. */
  #counted: SeriesCell | undefined = undefined;
  #countedRequestBytes = 0;
  #countedResponseBytes = 0;
  #lastActivityMs: number;
  #isIdle = false;
  /** Cut off by a policy that came later. */
  #refusal: FilterRefusal | undefined;
  #isDone = false;

  constructor(client: Connection, context: ServeContext, target: TcpTarget, members: ConnectionSet) {
    this.#client = client;
    this.#context = context;
    this.#target = target;
    this.#members = members;
    this.#admission = target.admission && new SessionAdmission(context, target.admission, this);
    this.#startUs = context.clock.monotonicUs();
    this.#lastActivityMs = context.coarseNowMs;
  }

  start(alreadyRead: Uint8Array | undefined, isClientEnded: boolean, opened?: OpenedDial): void {
    this.#context.inFlight++;
    this.#alreadyRead = alreadyRead;
    this.#isClientEnded = isClientEnded;
    this.#members.add(this);
    // Paused first: what waits in the connection is delivered when the two are joined.
    this.#client.pause();
    this.#client.sink = this;
    this.#opened = opened;
    if (this.#admission === undefined) {
      this.onAdmitted();
      return;
    }
    this.#admission.start();
    // What its server says while somebody is asked would be lost, so it is dialled anew.
    if (this.#opened !== undefined && this.#dial === undefined) this.#dropOpened();
  }

  onAdmitted(): void {
    if (this.#isDone) return;
    const opened = this.#opened;
    const { faults } = this.#target.cluster;
    const fault = faults && FaultInjection.ofConnection(this.#context, faults, this);
    // What its server has said already would come without a delay.
    if (this.#isDone || fault !== undefined) this.#dropOpened();
    if (this.#isDone) return;
    if (fault !== undefined) fault.start(this);
    else if (opened === undefined) this.#open();
    else this.#takeOver(opened);
  }

  onNotAdmitted(refusal: FilterRefusal): void {
    if (this.#isDone) return;
    this.#dropOpened();
    if (this.#relay !== undefined) {
      this.#refusal = refusal;
      this.#relay.terminate();
      return;
    }
    this.#dial?.cancel();
    this.#finish(refusal.reason, refusal.detail);
    this.#client.terminate();
  }

  onFault(outcome: FaultOutcome): void {
    if (outcome !== "reset") {
      this.#open();
      return;
    }
    this.#finish("fault_injected", "");
    this.#client.terminate();
  }

  // ---- the client, until the two are joined

  onData(chunk: Uint8Array): void {
    this.#alreadyRead = this.#alreadyRead === undefined ? chunk : Buffer.concat([this.#alreadyRead, chunk]);
  }

  onDrain(): void {}

  onEnd(): void {
    this.#isClientEnded = true;
  }

  onClose(): void {
    this.#dial?.cancel();
    this.#finish("client_closed", "the client left before the connection to the endpoint stood");
  }

  // ---- the dial

  onConnected(server: Connection): void {
    if (this.#isDone) return;
    if (this.#target.protocol !== SessionProtocol.UNSPECIFIED) this.#countOpen();
    const relay = new Relay(this.#client, server, this, this.#target.sniffer);
    this.#relay = relay;
    const alreadyRead = this.#alreadyRead;
    const opened = this.#opened;
    this.#alreadyRead = undefined;
    this.#opened = undefined;
    relay.start(alreadyRead, this.#isClientEnded, opened?.fromServer, opened?.isServerEnded);
  }

  onDialFailed(failure: DialFailure): void {
    if (this.#isDone) return;
    // First, since the client's end is told at once.
    this.#finish(failure.reason, failure.detail);
    this.#client.terminate();
  }

  // ---- joined

  onRelayEnd(_relay: Relay, cause: CloseCause): void {
    if (this.#refusal !== undefined) this.#finish(this.#refusal.reason, this.#refusal.detail);
    else if (this.#isIdle) this.#finish("idle_timeout", "nothing was carried in either direction");
    else if (cause === "ended") this.#finish(undefined, this.#target.sniffer?.name ?? "");
    else this.#finish("upstream_reset", cause);
  }

  // ---- owner

  sweep(nowMs: number): void {
    this.#admission?.sweep();
    const relay = this.#relay;
    if (relay === undefined || this.#isDone) return;
    if (this.#countBytes(relay)) {
      this.#lastActivityMs = nowMs;
      return;
    }
    const timeoutMs = this.#target.cluster.tcpIdleTimeoutMs || tcpIdleTimeoutMs(this.#context);
    if (timeoutMs === undefined || nowMs - this.#lastActivityMs < timeoutMs) return;
    this.#context.metrics.limitReached("tcpIdleTimeout");
    this.#isIdle = true;
    relay.terminate();
  }

  /** Nobody can tell whether a TCP conversation is over: it has until the end of the drain. */
  closeIfIdle(): void {}

  terminate(): void {
    if (this.#relay !== undefined) this.#relay.terminate();
    else this.#client.terminate();
  }

  #open(): void {
    const dial = new TcpDial(this.#client, this.#context, this.#target, this);
    this.#dial = dial;
    dial.start();
  }

  #dropOpened(): void {
    this.#opened?.dial.cancel();
    this.#opened = undefined;
  }

  #takeOver(opened: OpenedDial): void {
    const { dial } = opened;
    this.#dial = dial;
    dial.listener = this;
    if (dial.failure !== undefined) this.onDialFailed(dial.failure);
    else if (dial.server !== undefined) this.onConnected(dial.server);
  }

  /** Whether anything was carried since the last time. */
  #countBytes(relay: Relay): boolean {
    const requestBytes = relay.bytesFromClient - this.#countedRequestBytes;
    const responseBytes = relay.bytesFromServer - this.#countedResponseBytes;
    if (requestBytes === 0 && responseBytes === 0) return false;
    this.#countOpen();
    this.#countedRequestBytes = relay.bytesFromClient;
    this.#countedResponseBytes = relay.bytesFromServer;
    this.#counted?.transfer(requestBytes, responseBytes);
    return true;
  }

  #countOpen(): void {
    if (this.#counted !== undefined) return;
    this.#counted = this.#countedEdge(this.#target.edge(this.#dial?.endpoint)).tcp(undefined);
    this.#counted.open();
  }

  #countedEdge(edge: EdgeSeries): EdgeSeries {
    const telemetry = telemetryOf(this.#context, this.#target);
    return telemetry === undefined ? edge : this.#context.series.under(edge, telemetry.metrics);
  }

  #finish(reason: ReasonCode | undefined, detail: string): void {
    if (this.#isDone) return;
    this.#isDone = true;
    const relay = this.#relay;
    if (relay !== undefined) this.#countBytes(relay);
    this.#members.delete(this);
    this.#context.inFlight--;
    this.#dial?.release();
    const { fault } = this;
    fault?.cancel();
    this.#admission?.cancel();
    if (reason === undefined && this.#counted === undefined) return;
    const endpoint = this.#dial?.endpoint;
    const durationUs = this.#context.clock.monotonicUs() - this.#startUs;
    const edge = this.#target.edge(endpoint);
    this.#counted?.observe(durationUs);
    const counted = reason ?? (fault && "fault_injected");
    if (counted !== undefined) this.#countedEdge(edge).tcp(counted).open();
    recordTcp(this.#context, {
      edge,
      requestId: this.#admission?.requestId ?? "",
      policy: this.#admission?.policy,
      reason: counted,
      detail: fault?.describe(detail) ?? detail,
      peerAddress: this.#client.remoteAddress,
      upstreamAddress: endpoint?.place ?? "",
      attempts: this.#dial?.attempts ?? 0,
      requestBytes: relay?.bytesFromClient ?? 0,
      responseBytes: relay?.bytesFromServer ?? 0,
      durationUs,
      telemetry: telemetryOf(this.#context, this.#target),
      trace: this.#dial === undefined ? traceOf(this.#context, this.#target) : this.#dial.trace,
    });
  }
}
