/**
 * One UDP listener and its clients. A client keeps its endpoint until the two are silent for too long, or the endpoint or
 * its share goes. Clients that are too many are dropped, those that have been silent for a while first.
 */
import { type DatagramServer, openDatagrams } from "../../net/index.ts";
import type { PreparedGatewayPort } from "../agent/index.ts";
import type { UpstreamEndpoint } from "../upstream/index.ts";
import { ConnectionAffinity } from "./affinity.ts";
import type { DatagramLoss } from "./udp-metrics.ts";
import { type UdpContext, UdpSession } from "./udp-session.ts";

export interface UdpAddress {
  readonly address: string;
  readonly port: number;
}

export interface UdpPortOptions extends UdpAddress {
  /** Other processes of ours have the port too. */
  readonly isShared: boolean;
  readonly maxSessions: number;
}

/** Where there is no room, clients that were silent for this long have most likely got what they wanted. */
const crowdedIdleMs = 5_000;
/** Endpoints to which there is no way; no more of them are tried for one datagram. */
const maxAttempts = 3;

export class UdpPort {
  readonly #context: UdpContext;
  readonly #maxSessions: number;
  readonly #socket: DatagramServer;
  readonly #where: UdpAddress;
  /** By the client's port and address. */
  readonly #sessions = new Map<string, UdpSession>();
  #port: PreparedGatewayPort;
  #crowdedAtMs = 0;

  /** Throws as `openDatagrams` does. */
  constructor(context: UdpContext, port: PreparedGatewayPort, options: UdpPortOptions) {
    const { address: hostname } = options;
    this.#context = context;
    this.#port = port;
    this.#maxSessions = options.maxSessions;
    this.#socket = openDatagrams({
      hostname,
      port: options.port,
      reusePort: options.isShared,
      onDatagram: (bytes, from, address) => this.#onDatagram(bytes, from, address),
    });
    this.#where = { address: hostname, port: this.#socket.port };
  }

  get bound(): UdpAddress {
    return this.#where;
  }

  get size(): number {
    return this.#sessions.size;
  }

  configure(port: PreparedGatewayPort): void {
    if (this.#port === port) return;
    this.#port = port;
    this.#dropWhere((session) => port.connections?.leadsTo(session.cluster.key) !== true);
  }

  sweep(nowMs: number, idleMs: number): void {
    const members = new Map<string, ReadonlySet<UpstreamEndpoint>>();
    this.#dropWhere(
      (session) =>
        !session.isOpen ||
        nowMs - session.lastUsedMs >= idleMs ||
        !this.#membersOf(session.cluster.key, members).has(session.endpoint),
    );
  }

  close(): void {
    for (const session of this.#sessions.values()) session.close();
    this.#sessions.clear();
    this.#socket.close();
  }

  #onDatagram(bytes: Uint8Array, port: number, address: string): void {
    const key = `${port} ${address}`;
    const known = this.#sessions.get(key);
    if (known?.isOpen === true) {
      known.send(bytes);
      return;
    }
    this.#sessions.delete(key);
    const session = this.#open(port, address);
    if (typeof session === "string") {
      this.#context.metrics.udp.lost(session);
      return;
    }
    this.#sessions.set(key, session);
    session.send(bytes);
  }

  #open(port: number, address: string): UdpSession | DatagramLoss {
    if (!this.#hasRoom()) return "overloaded";
    const context = this.#context;
    const choice = this.#port.connections?.pick(undefined, context.random());
    if (choice === undefined) return "no_route";
    if (choice.backend.unresolved !== undefined) return "backend_unresolved";
    const cluster = context.upstreams.cluster(choice.backend.cluster);
    if (cluster === undefined) return "no_endpoint";
    const client = { server: this.#socket, address, port };
    const { picker } = cluster;
    const affinity = picker.readsRequest ? new ConnectionAffinity(address, "") : undefined;
    const tried: UpstreamEndpoint[] = [];
    while (tried.length < maxAttempts) {
      const endpoint = picker.pick(context.clock.monotonicUs(), context.random, tried, affinity);
      if (endpoint === undefined) return "no_endpoint";
      const session = new UdpSession(context, client, { cluster, endpoint });
      if (session.isOpen) {
        context.metrics.udp.sessions.value++;
        return session;
      }
      session.close();
      tried.push(endpoint);
    }
    return "no_endpoint";
  }

  #hasRoom(): boolean {
    const { coarseNowMs, metrics } = this.#context;
    if (this.#sessions.size < this.#maxSessions) return true;
    // Looking through all of them is done once a second, however many come.
    if (coarseNowMs > this.#crowdedAtMs) {
      this.#crowdedAtMs = coarseNowMs;
      this.sweep(coarseNowMs, crowdedIdleMs);
      if (this.#sessions.size < this.#maxSessions) return true;
    }
    metrics.limitReached("maxUdpSessions");
    return false;
  }

  /** `known`: asked once for all sessions, because a cluster may have very many endpoints. */
  #membersOf(cluster: string, known: Map<string, ReadonlySet<UpstreamEndpoint>>) {
    let members = known.get(cluster);
    if (members === undefined) {
      members = new Set(this.#context.upstreams.cluster(cluster)?.picker.members);
      known.set(cluster, members);
    }
    return members;
  }

  #dropWhere(isGone: (session: UdpSession) => boolean): void {
    for (const [key, session] of this.#sessions) {
      if (!isGone(session)) continue;
      session.close();
      this.#sessions.delete(key);
    }
  }
}
