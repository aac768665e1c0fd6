/**
 * One raw TCP connection through the proxy: finds an endpoint, connects, joins the two. A failed connect is tried on
 * another endpoint, since nothing has been sent. Bytes are counted while it is open; databases keep theirs for days.
 */
import type { ReasonCode } from "../../kernel/index.ts";
import {
  type CloseCause,
  type ConnectFailure,
  Connection,
  type ConnectionSink,
  type PendingConnect,
} from "../../net/index.ts";
import type { SessionProtocol } from "../../wire/index.ts";
import type { EdgeSeries } from "../telemetry/index.ts";
import type { UpstreamCluster, UpstreamEndpoint } from "../upstream/index.ts";
import type { ClientConnection, ConnectionSet } from "./connection-set.ts";
import type { ServeContext } from "./context.ts";
import { logTcp } from "./outcome.ts";
import { Relay, type RelayListener } from "./relay.ts";

export interface TcpTarget {
  readonly cluster: UpstreamCluster;
  readonly protocol: SessionProtocol;
  edge(endpoint: UpstreamEndpoint | undefined): EdgeSeries;
  /** What a failed connect is called here, where that says more than the socket's reason. */
  readonly failureReason?: ReasonCode;
  onServerFirst?(): void;
}

const maxAttempts = 3;

export class TcpSession implements ConnectionSink, RelayListener, ClientConnection {
  readonly #client: Connection;
  readonly #context: ServeContext;
  readonly #target: TcpTarget;
  readonly #members: ConnectionSet;
  readonly #startUs: number;
  #alreadyRead: Uint8Array | undefined;
  #isClientEnded = false;
  readonly #tried: UpstreamEndpoint[] = [];
  #endpoint: UpstreamEndpoint | undefined;
  #pending: PendingConnect | undefined;
  #relay: Relay | undefined;
  #attempts = 0;
  #countedRequestBytes = 0;
  #countedResponseBytes = 0;
  #isDone = false;

  constructor(client: Connection, context: ServeContext, target: TcpTarget, members: ConnectionSet) {
    this.#client = client;
    this.#context = context;
    this.#target = target;
    this.#members = members;
    this.#startUs = context.clock.monotonicUs();
  }

  start(alreadyRead: Uint8Array | undefined, isClientEnded: boolean): void {
    this.#context.inFlight++;
    this.#alreadyRead = alreadyRead;
    this.#isClientEnded = isClientEnded;
    this.#members.add(this);
    // Paused first: what waits in the connection is delivered when the two are joined.
    this.#client.pause();
    this.#client.sink = this;
    if (this.#isDone) return;
    this.#connect("no_endpoint", "the cluster has no usable endpoint");
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
    this.#pending?.cancel();
    this.#finish("client_closed", "the client left before the connection to the endpoint stood");
  }

  // ---- joined

  onServerFirst(): void {
    this.#target.onServerFirst?.();
  }

  onRelayEnd(_relay: Relay, cause: CloseCause): void {
    this.#finish(cause === "ended" ? undefined : "upstream_reset", cause === "ended" ? "" : cause);
  }

  // ---- owner

  sweep(): void {
    const relay = this.#relay;
    if (relay === undefined) return;
    const requestBytes = relay.bytesFromClient - this.#countedRequestBytes;
    const responseBytes = relay.bytesFromServer - this.#countedResponseBytes;
    if (requestBytes === 0 && responseBytes === 0) return;
    this.#countedRequestBytes = relay.bytesFromClient;
    this.#countedResponseBytes = relay.bytesFromServer;
    this.#target.edge(this.#endpoint).tcp(undefined).transfer(requestBytes, responseBytes);
  }

  /** Nobody can tell whether a TCP conversation is over: it has until the end of the drain. */
  closeIfIdle(): void {}

  terminate(): void {
    if (this.#relay !== undefined) this.#relay.terminate();
    else this.#client.terminate();
  }

  #connect(reason: ReasonCode, detail: string): void {
    const context = this.#context;
    const endpoint = this.#target.cluster.picker.pick(
      context.clock.monotonicUs(),
      context.random,
      this.#tried,
    );
    if (endpoint === undefined || this.#attempts >= maxAttempts) {
      this.#client.terminate();
      this.#finish(reason, detail);
      return;
    }
    this.#attempts++;
    this.#endpoint = endpoint;
    endpoint.inFlight++;
    const pending = endpoint.dial(this.#target.protocol, (result) => this.#onDialled(endpoint, result));
    // Over loopback it can be done by now, and even the next try under way.
    if (this.#endpoint === endpoint && this.#relay === undefined && !this.#isDone) this.#pending = pending;
  }

  #onDialled(endpoint: UpstreamEndpoint, result: Connection | ConnectFailure): void {
    this.#pending = undefined;
    if (this.#isDone) {
      if (result instanceof Connection) result.close();
      return;
    }
    if (result instanceof Connection) {
      endpoint.recordConnected();
      this.#join(result);
      return;
    }
    endpoint.inFlight--;
    this.#endpoint = undefined;
    endpoint.recordConnectFailure(this.#context.clock.monotonicUs());
    this.#context.metrics.connectFailed(result.reason);
    this.#tried.push(endpoint);
    this.#connect(this.#target.failureReason ?? result.reason, result.detail);
  }

  #join(server: Connection): void {
    this.#target.edge(this.#endpoint).tcp(undefined).open();
    const relay = new Relay(this.#client, server, this);
    this.#relay = relay;
    const alreadyRead = this.#alreadyRead;
    this.#alreadyRead = undefined;
    relay.start(alreadyRead, this.#isClientEnded);
  }

  #finish(reason: ReasonCode | undefined, detail: string): void {
    if (this.#isDone) return;
    this.sweep();
    this.#isDone = true;
    this.#members.delete(this);
    this.#context.inFlight--;
    const endpoint = this.#endpoint;
    if (endpoint !== undefined) endpoint.inFlight--;
    const durationUs = this.#context.clock.monotonicUs() - this.#startUs;
    const edge = this.#target.edge(endpoint);
    if (this.#relay !== undefined) edge.tcp(undefined).observe(durationUs);
    if (reason !== undefined) edge.tcp(reason).open();
    logTcp(this.#context, {
      edge,
      reason,
      detail,
      peerAddress: this.#client.remoteAddress,
      upstreamAddress: endpoint === undefined ? "" : `${endpoint.target.address}:${endpoint.target.port}`,
      attempts: this.#attempts,
      requestBytes: this.#relay?.bytesFromClient ?? 0,
      responseBytes: this.#relay?.bytesFromServer ?? 0,
      durationUs,
    });
  }
}
