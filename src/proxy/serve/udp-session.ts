/**
 * One client of a UDP listener, by address and port, and the endpoint that its datagrams go to. It has a socket of its own
 * towards the endpoint, so that what comes back is for this client and nobody else. Nothing is kept: a datagram that the
 * system does not take at once is dropped and counted.
 */
import { connectDatagrams, type DatagramPeer, type DatagramServer } from "../../net/index.ts";
import type { UpstreamCluster, UpstreamEndpoint } from "../upstream/index.ts";
import type { ServeContext } from "./context.ts";

/** What of a proxy whoever carries datagrams needs. */
export interface UdpContext extends Pick<ServeContext, "clock" | "coarseNowMs" | "metrics" | "random"> {
  readonly upstreams: Pick<ServeContext["upstreams"], "cluster">;
}

export interface UdpClient {
  readonly server: DatagramServer;
  readonly address: string;
  readonly port: number;
}

export class UdpSession {
  readonly cluster: UpstreamCluster;
  readonly endpoint: UpstreamEndpoint;
  lastUsedMs: number;
  readonly #context: UdpContext;
  readonly #client: UdpClient;
  #peer: DatagramPeer | undefined;
  #hasAnswered = false;
  #isClosed = false;

  constructor(
    context: UdpContext,
    client: UdpClient,
    backend: { readonly cluster: UpstreamCluster; readonly endpoint: UpstreamEndpoint },
  ) {
    this.#context = context;
    this.#client = client;
    this.cluster = backend.cluster;
    this.endpoint = backend.endpoint;
    this.lastUsedMs = context.coarseNowMs;
    this.endpoint.inFlight++;
    const { address, port } = this.endpoint.target;
    this.#peer = connectDatagrams({
      address,
      port,
      onDatagram: (bytes) => this.#onAnswer(bytes),
      onError: () => this.#onUnreachable(),
    });
  }

  /** False: there is no way to the endpoint. */
  get isOpen(): boolean {
    return this.#peer !== undefined && !this.#isClosed;
  }

  send(bytes: Uint8Array): void {
    const { udp } = this.#context.metrics;
    this.lastUsedMs = this.#context.coarseNowMs;
    if (this.#peer?.send(bytes) === true) udp.sentToEndpoint(bytes.length);
    else udp.lost("not_sent");
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.endpoint.inFlight--;
    this.#peer?.close();
    this.#peer = undefined;
  }

  #onAnswer(bytes: Uint8Array): void {
    if (this.#isClosed) return;
    const { server, address, port } = this.#client;
    const { udp } = this.#context.metrics;
    this.lastUsedMs = this.#context.coarseNowMs;
    if (!this.#hasAnswered) {
      this.#hasAnswered = true;
      this.endpoint.recordConnected();
    }
    if (server.send(bytes, port, address)) udp.sentToClient(bytes.length);
    else udp.lost("not_sent");
  }

  /** The client's next datagram finds another endpoint. */
  #onUnreachable(): void {
    if (this.#isClosed) return;
    this.endpoint.recordConnectFailure(this.#context.clock.monotonicUs());
    this.#context.metrics.connectFailed("upstream_connect_failed");
    this.close();
  }
}
