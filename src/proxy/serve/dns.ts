/**
 * Name service for the workload, UDP and TCP: names of the mesh from the agent, everything else forwarded or refused. An
 * answer starts the subscriptions that the dial which follows will need.
 */
import { WeftError } from "../../kernel/index.ts";
import type { Name } from "../../model/index.ts";
import {
  type CloseCause,
  type Connection,
  type ConnectionSink,
  datagramListener,
  listen,
  openDatagrams,
} from "../../net/index.ts";
import type { Resolved } from "../agent/index.ts";
import type { ListenAddress } from "../bootstrap.ts";
import { ConnectionSet, type ClientConnection } from "./connection-set.ts";
import type { ServeContext } from "./context.ts";
import { DoorListeners } from "./door-listeners.ts";
import { type ListenSharing, sharedPlace } from "./listen-sharing.ts";
import {
  type DnsForwarder,
  type DnsQuery,
  encodeDnsAnswer,
  encodeDnsFault,
  parseDnsQuery,
  type Rcode,
  rcodes,
  truncateDnsAnswer,
} from "../dns/index.ts";
import { expandName } from "../../decide/index.ts";
import type { Server } from "./server.ts";

/** What of a proxy the name service needs: a parent of workers has no more than this. */
export interface DnsContext extends Pick<ServeContext, "metrics" | "coarseNowMs"> {
  readonly agent: Pick<ServeContext["agent"], "snapshot" | "status" | "resolveName" | "prefetch">;
  readonly workload: Pick<ServeContext["workload"], "namespace">;
}

/** Exactly once. Undefined: a message that has no answer. */
type Respond = (message: Uint8Array | undefined) => void;

const defaultLookupMs = 2_000;
/** TCP answers have two bytes of length. */
const maxTcpBytes = 65_535;
/** Clients that ask over TCP at once; the local program's resolver needs one or two. */
const maxTcpClients = 256;
const tcpIdleMs = 10_000;

export class DnsServer implements Server {
  readonly connections = new ConnectionSet();
  readonly #context: DnsContext;
  readonly #forwarder: DnsForwarder;
  readonly listeners = new DoorListeners();
  readonly #sharing: ListenSharing | undefined;

  constructor(context: DnsContext, forwarder: DnsForwarder, sharing?: ListenSharing) {
    this.#context = context;
    this.#forwarder = forwarder;
    this.#sharing = sharing;
  }

  /**
   * UDP and TCP on one port of both loopback addresses, where redirected questions arrive. Not on a wildcard address: from
   * there, answers leave from the wrong one.
   */
  open(port: number): ListenAddress {
    const address = this.#openOn("127.0.0.1", port);
    try {
      this.#openOn("::1", address.port);
    } catch (error) {
      // A machine without IPv6 has no "::1" to listen on, and no IPv6 traffic to capture either.
      if (error instanceof WeftError && error.code === "address_in_use") throw error;
    }
    return address;
  }

  stopAccepting(): void {
    this.listeners.stopAccepting();
  }

  close(): void {
    this.stopAccepting();
    this.connections.terminateAll();
    this.listeners.closeAll();
    this.#forwarder.close();
  }

  #openOn(hostname: string, port: number): ListenAddress {
    const tcp = this.listeners.add(hostname, port, (at) =>
      listen({
        ...sharedPlace(this.#sharing, hostname, at),
        onConnection: (connection) => this.#onTcp(connection),
      }),
    );
    this.listeners.add(hostname, tcp.port, (at) => {
      let unanswered = 0;
      const socket = openDatagrams({
        hostname,
        port: at,
        reusePort: this.#sharing !== undefined,
        onDatagram: (message, sourcePort, source) => {
          unanswered++;
          this.#answer(message, false, (answer) => {
            unanswered--;
            if (answer !== undefined) socket.send(answer, sourcePort, source);
          });
        },
      });
      return datagramListener(socket, () => unanswered);
    });
    return { address: tcp.hostname, port: tcp.port };
  }

  #onTcp(connection: Connection): void {
    if (this.connections.size >= maxTcpClients) {
      this.#context.metrics.refused("dns", "overloaded");
      connection.terminate();
      return;
    }
    this.#context.metrics.accepted("dns");
    connection.sink = new DnsTcpClient(connection, this.connections, this.#context, (message, respond) =>
      this.#answer(message, true, respond),
    );
  }

  #answer(message: Uint8Array, isTcp: boolean, respond: Respond): void {
    const { metrics } = this.#context;
    const query = parseDnsQuery(message);
    if (query === undefined || "rcode" in query) {
      metrics.dns("malformed");
      respond(query && encodeDnsFault(query));
      return;
    }
    const mesh = this.#context.agent.snapshot.mesh;
    const expanded = expandName(
      query.name,
      this.#context.workload.namespace,
      mesh?.domainSuffix || "cluster.local",
    );
    const candidate = expanded.candidates[0];
    if (candidate === undefined) {
      this.#answerOutside(message, query, isTcp, respond);
      return;
    }
    const lookupMs = mesh?.discoveryTimeoutMs || defaultLookupMs;
    this.#context.agent.resolveName(candidate, lookupMs, (result) => {
      if (result === "unknown" && !expanded.isOurs) this.#answerOutside(message, query, isTcp, respond);
      else this.#respond(query, result, isTcp, respond);
    });
  }

  /** A name outside of the mesh's domain may be an external service's; while nobody can say, it is not. */
  #answerOutside(message: Uint8Array, query: DnsQuery, isTcp: boolean, respond: Respond): void {
    const { agent } = this.#context;
    const { mesh } = agent.snapshot;
    const isKnown = agent.snapshot.name(query.name) !== undefined;
    if (mesh?.hasExternalNames !== true || (!isKnown && !agent.status.isConnected)) {
      this.#forward(message, query, isTcp, respond);
      return;
    }
    agent.resolveName(query.name, mesh.discoveryTimeoutMs || defaultLookupMs, (result) => {
      if (typeof result === "string") this.#forward(message, query, isTcp, respond);
      else this.#respond(query, result, isTcp, respond);
    });
  }

  #respond(query: DnsQuery, result: Resolved<Name>, isTcp: boolean, respond: Respond): void {
    const { agent, metrics } = this.#context;
    if (typeof result === "string") {
      metrics.dns(result === "unknown" ? "answered" : "failed");
      this.#encode(
        query,
        { rcode: result === "unknown" ? rcodes.nameError : rcodes.serverFailure, isTcp },
        respond,
      );
      return;
    }
    metrics.dns("answered");
    for (const address of result.addresses) agent.prefetch(address);
    const maxBytes = isTcp ? maxTcpBytes : query.maxUdpBytes;
    const { addresses, ttlSeconds } = result;
    respond(encodeDnsAnswer(query, { rcode: rcodes.ok, addresses, ttlSeconds, maxBytes }));
  }

  #forward(message: Uint8Array, query: DnsQuery, isTcp: boolean, respond: Respond): void {
    const { metrics } = this.#context;
    if (this.#forwarder.isEmpty) {
      metrics.dns("refused");
      this.#encode(query, { rcode: rcodes.refused, isTcp }, respond);
      return;
    }
    this.#forwarder.forward(message, query, (answer) => {
      metrics.dns(answer === undefined ? "failed" : "forwarded");
      if (answer === undefined) this.#encode(query, { rcode: rcodes.serverFailure, isTcp }, respond);
      else respond(isTcp || answer.length <= query.maxUdpBytes ? answer : truncateDnsAnswer(query, answer));
    });
  }

  #encode(
    query: DnsQuery,
    answer: { readonly rcode: Rcode; readonly isTcp: boolean },
    respond: Respond,
  ): void {
    const maxBytes = answer.isTcp ? maxTcpBytes : query.maxUdpBytes;
    respond(encodeDnsAnswer(query, { rcode: answer.rcode, addresses: [], ttlSeconds: 0, maxBytes }));
  }
}

/** One TCP client: messages with two bytes of length in front, answered in any order (RFC 7766). */
class DnsTcpClient implements ConnectionSink, ClientConnection {
  readonly #connection: Connection;
  readonly #members: ConnectionSet;
  readonly #context: DnsContext;
  readonly #ask: (message: Uint8Array, respond: Respond) => void;
  #read: Uint8Array = new Uint8Array(0);
  #pending = 0;
  #lastActivityMs: number;

  constructor(
    connection: Connection,
    members: ConnectionSet,
    context: DnsContext,
    ask: (message: Uint8Array, respond: Respond) => void,
  ) {
    this.#connection = connection;
    this.#members = members;
    this.#context = context;
    this.#ask = ask;
    this.#lastActivityMs = context.coarseNowMs;
    members.add(this);
  }

  onData(chunk: Uint8Array): void {
    this.#lastActivityMs = this.#context.coarseNowMs;
    this.#read = this.#read.length === 0 ? chunk : Buffer.concat([this.#read, chunk]);
    while (this.#read.length >= 2) {
      const length = ((this.#read[0] ?? 0) << 8) | (this.#read[1] ?? 0);
      if (this.#read.length < 2 + length) return;
      const message = this.#read.slice(2, 2 + length);
      this.#read = this.#read.subarray(2 + length);
      this.#pending++;
      this.#ask(message, (answer) => this.#send(answer));
    }
  }

  onDrain(): void {
    this.#connection.resume();
  }

  onEnd(): void {
    this.#connection.close();
  }

  onClose(_cause: CloseCause): void {
    this.#members.delete(this);
  }

  sweep(nowMs: number): void {
    if (nowMs - this.#lastActivityMs >= tcpIdleMs) this.#connection.close();
  }

  closeIfIdle(): void {
    if (this.#pending === 0) this.#connection.close();
  }

  terminate(): void {
    this.#connection.terminate();
  }

  #send(answer: Uint8Array | undefined): void {
    this.#pending--;
    if (answer === undefined || !this.#connection.isOpen) return;
    const framed = new Uint8Array(2 + answer.length);
    framed[0] = answer.length >> 8;
    framed[1] = answer.length & 0xff;
    framed.set(answer, 2);
    // A client that asks and does not read is not read from either.
    if (!this.#connection.write(framed)) this.#connection.pause();
  }
}
