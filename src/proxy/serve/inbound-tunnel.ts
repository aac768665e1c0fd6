/** Where peers of the mesh dial (15008): mutual TLS with ALPN weft/1, a preface, then the session's own bytes. */
import { admitInbound, callerService } from "../../decide/index.ts";
import { canonicalIp, parseSpiffeId, type ReasonCode } from "../../kernel/index.ts";
import {
  type Connection,
  type Listener,
  listen,
  type PeerCertificate,
  type PeerRefusal,
} from "../../net/index.ts";
import { type Preface, SessionProtocol } from "../../wire/index.ts";
import type { ListenAddress } from "../bootstrap.ts";
import { hopAlpn } from "../upstream/index.ts";
import { type Application, undeclaredPort } from "./application.ts";
import { ConnectionSet } from "./connection-set.ts";
import type { ServeContext } from "./context.ts";
import { DoorListeners } from "./door-listeners.ts";
import { serveHttp } from "./http-opening.ts";
import { type InboundCaller, InboundHttp, inboundTcp } from "./inbound-session.ts";
import { listenLimits } from "./listen-limits.ts";
import { type ListenSharing, sharedPlace } from "./listen-sharing.ts";
import { PrefaceReader } from "./preface-reader.ts";
import type { Server } from "./server.ts";
import { TcpSession } from "./tcp-session.ts";

export class InboundTunnel implements Server {
  readonly connections = new ConnectionSet();
  readonly #context: ServeContext;
  readonly #application: Application;
  readonly #sharing: ListenSharing | undefined;
  readonly listeners = new DoorListeners();

  constructor(context: ServeContext, application: Application, sharing?: ListenSharing) {
    this.#context = context;
    this.#application = application;
    this.#sharing = sharing;
  }

  open({ address, port }: ListenAddress): ListenAddress {
    const listener = this.listeners.add(address, port, (at) => this.#listen(address, at));
    return { address: listener.hostname, port: listener.port };
  }

  stopAccepting(): void {
    this.listeners.stopAccepting();
  }

  close(): void {
    this.stopAccepting();
    this.connections.terminateAll();
    this.listeners.closeAll();
  }

  /** Ends connections of peers that are revoked by now, or all of them. Returns how many there were. */
  terminate(which: "revoked" | "all"): number {
    const { trust } = this.#context;
    if (which === "all") return this.listeners.terminatePeers(() => true);
    return trust.hasRevoked ? this.listeners.terminatePeers((peer) => trust.isRevoked(peer)) : 0;
  }

  #listen(address: string, port: number): Listener {
    const { agent, metrics, refusalLog } = this.#context;
    return listen({
      ...sharedPlace(this.#sharing, address, port),
      ...listenLimits(this.#context),
      // Asked for each connection: a new certificate is shown from the next one on.
      tls: () => ({
        identity: agent.identity(),
        alpn: [hopAlpn],
        clientCertificate: "required",
        verifyPeer: (peer) => this.#verifyPeer(peer),
      }),
      refuses: () => (this.#context.hasExpiredCertificate ? "certificate_expired" : undefined),
      onHandshakeFailed: (reason, peer, detail) => {
        metrics.refused("inbound", reason);
        metrics.handshake("inbound", "", reason);
        refusalLog.refused("inbound", { reason, detail, peer });
      },
      onRefused: (reason) => metrics.refused("inbound", reason),
      onConnection: (connection) => {
        metrics.accepted("inbound");
        metrics.handshake("inbound", connection.tlsVersion, "ok");
        this.#onConnection(connection);
      },
    });
  }

  /** Before any byte is read: exactly one identity, of our trust domain or an alias of it, that is not revoked. */
  #verifyPeer(peer: PeerCertificate): PeerRefusal | undefined {
    const { trust, identity } = this.#context;
    const refusal = trust.refusalOf(peer);
    if (refusal !== undefined) return refusal;
    const own = parseSpiffeId(identity)?.trustDomain;
    return trust.identityIn(peer, own) === undefined
      ? { reason: "peer_identity_invalid", detail: `not an identity of trust domain ${own ?? "?"}` }
      : undefined;
  }

  #onConnection(connection: Connection): void {
    const identity = connection.peer?.uriSans[0];
    if (identity === undefined) {
      this.#refuse(connection, "peer_identity_invalid");
      return;
    }
    PrefaceReader.watch(connection, this.#context, {
      onPreface: (preface, rest, isEnded) =>
        this.#onPreface(connection, identity, { preface, rest, isEnded }),
      onPrefaceMalformed: () => this.#context.metrics.refused("inbound", "preface_malformed"),
    });
  }

  #onPreface(
    connection: Connection,
    identity: string,
    first: { readonly preface: Preface; readonly rest: Uint8Array | undefined; readonly isEnded: boolean },
  ): void {
    const { preface } = first;
    const table = this.#context.agent.snapshot.inboundTable;
    const port = table?.port(preface.targetPort);
    const caller: InboundCaller = {
      identity,
      workload: callerWorkload(identity, preface.sourceWorkload),
      service: callerService(port, preface.service),
      connection,
      targetAddress: canonicalIp(preface.targetAddress) ?? "",
    };
    const refusal =
      table === undefined
        ? "target_unknown"
        : admitInbound(table, {
            peerIdentity: identity,
            targetAddress: caller.targetAddress,
            targetPort: preface.targetPort,
          });
    const version = httpVersionOf(preface.protocol);
    const declared = port ?? undeclaredPort;
    if (refusal !== undefined) this.#context.metrics.refused("inbound", refusal);
    if (version !== undefined) {
      const answer = refusal ?? this.#application.port(preface.targetPort, declared);
      const service = new InboundHttp(this.#context, caller, { port: preface.targetPort, answer });
      const members = this.connections;
      serveHttp(connection, this.#context, service, { members, alreadyRead: first.rest, version });
    } else if (refusal === undefined) {
      const cluster = this.#application.port(preface.targetPort, declared);
      const { targetPort, protocol, traceParent } = preface;
      const target = inboundTcp(this.#context, caller, { port: targetPort, cluster, protocol, traceParent });
      new TcpSession(connection, this.#context, target, this.connections).start(first.rest, first.isEnded);
    } else {
      connection.terminate();
    }
  }

  #refuse(connection: Connection, reason: ReasonCode): void {
    this.#context.metrics.refused("inbound", reason);
    connection.terminate();
  }
}

function httpVersionOf(protocol: SessionProtocol): 1 | 2 | undefined {
  switch (protocol) {
    case SessionProtocol.HTTP1:
      return 1;
    case SessionProtocol.HTTP2:
      return 2;
    case SessionProtocol.TCP:
    case SessionProtocol.UNSPECIFIED:
      return undefined;
  }
}

/** Longer names do not exist (namespace 63, name 253). */
const maxWorkloadLength = 317;

/** A peer names its own workload; believed as far as its certificate's namespace goes. */
function callerWorkload(identity: string, claimed: string): string {
  const namespace = parseSpiffeId(identity)?.namespace;
  const isPlausible =
    claimed.length <= maxWorkloadLength &&
    /^[a-z0-9-]+\/[a-z0-9.-]+$/.test(claimed) &&
    claimed.startsWith(`${namespace}/`);
  return isPlausible ? claimed : "";
}
