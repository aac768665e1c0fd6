/**
 * Opens one hop: to a peer proxy with mutual TLS, ALPN weft/1 and the preface, or to an address itself where no tunnel
 * stands there. The peer must prove exactly the identity that the mesh expects at this endpoint.
 */
import { create, toBinary } from "@bufbuild/protobuf";
import { parseIp, type ReasonCode } from "../../kernel/index.ts";
import { Tunnel } from "../../model/index.ts";
import {
  type ClientTls,
  type ConnectFailure,
  Connection,
  connect,
  type ConnectOptions,
  meshServerName,
  type PendingConnect,
  type TcpKeepAlive,
  terminatePeers,
  type TlsIdentity,
} from "../../net/index.ts";
import { PrefaceSchema, type SessionProtocol } from "../../wire/index.ts";
import { connectToName, type NamedTarget } from "../dns/index.ts";
import type { CodecLimitsSource } from "./codec-limits.ts";
import { PeerTrust } from "./peer-trust.ts";
import { type OriginTls, SystemRoots } from "./origin-tls.ts";

export const hopAlpn = "weft/1";
/** The two bytes of length in front of the preface could say more; nothing in it needs to. */
export const maxPrefaceBytes = 1_024;

export interface HopTarget {
  /** Where there is no tunnel it may be a name. */
  readonly address: string;
  /** The port that the application listens on. */
  readonly port: number;
  readonly tunnel: Tunnel;
  readonly tunnelAddress: string;
  readonly tunnelPort: number;
  /** The only SPIFFE id that may answer; empty where there is no tunnel. */
  readonly identity: string;
  /** "namespace/name"; empty for a workload dialled directly. */
  readonly service: string;
  /** How what is spoken to the address itself is encrypted. Absent: not at all. */
  readonly origin?: OriginTls | undefined;
  /** Of TCP. Undefined: off. */
  readonly keepAlive?: TcpKeepAlive | undefined;
  /** Of a raw connection, in W3C's form; undefined: it is not traced. */
  readonly traceParent?: string | undefined;
}

const expired: ConnectFailure = {
  reason: "certificate_expired",
  detail: "this proxy's certificate is expired",
};
const peerReasons: ReadonlySet<ReasonCode> = new Set<ReasonCode>([
  "upstream_tls_failed",
  "upstream_identity_mismatch",
  "peer_revoked",
]);

type Dialled = (result: Connection | ConnectFailure) => void;

export interface HopOptions {
  /** Asked for each connection, so that a new one shows the newest certificate. */
  readonly identity: () => TlsIdentity;
  /** "namespace/name" of the workload on whose behalf is dialled. */
  readonly sourceWorkload: string;
  /** SO_MARK, where the workload's traffic is redirected. */
  readonly mark: number | undefined;
  /** Of what the endpoints answer. */
  readonly limits: CodecLimitsSource;
  /** Endpoints whose address is a name are looked up here. Absent: by the system. */
  readonly names?: Pick<NamedTarget, "resolver" | "clock" | "random">;
  /** Which peers are spoken to at all. Absent: nothing is revoked, and no other trust domain is ours. */
  readonly trust?: PeerTrust;
  /** Our own certificate is expired: nobody is dialled with it. */
  readonly isExpired?: () => boolean;
  /** A peer was not who it should be, or did not take us. */
  readonly onPeerRefused?: (failure: ConnectFailure, target: HopTarget) => void;
}

export class HopDialer {
  readonly #options: HopOptions;
  readonly #systemRoots = new SystemRoots();
  /** Open to peer proxies. */
  readonly #members = new Set<Connection>();
  readonly #trust: PeerTrust;

  constructor(options: HopOptions) {
    this.#options = options;
    this.#trust = options.trust ?? new PeerTrust(() => undefined);
  }

  /** For an identity that is no longer this one, pooled connections are let go. */
  get identity(): TlsIdentity {
    return this.#options.identity();
  }

  get limits(): CodecLimitsSource {
    return this.#options.limits;
  }

  /** Ends connections to peers that are revoked by now, or all of them. Returns how many there were. */
  terminate(which: "revoked" | "all"): number {
    const trust = this.#trust;
    if (which === "all") return terminatePeers(this.#members, () => true);
    return trust.hasRevoked ? terminatePeers(this.#members, (peer) => trust.isRevoked(peer)) : 0;
  }

  /** `done` is called once unless cancelled, perhaps before this returns. The preface is written and leaves with the first bytes of the session. */
  dial(
    target: HopTarget,
    protocol: SessionProtocol,
    timeoutMs: number,
    done: (result: Connection | ConnectFailure) => void,
  ): PendingConnect {
    switch (target.tunnel) {
      case Tunnel.WEFT:
        return this.#dialTunnel(target, protocol, timeoutMs, done);
      case Tunnel.NONE:
        return this.#dialOrigin(target, protocol, timeoutMs, done);
      case Tunnel.HBONE:
      case Tunnel.UNSPECIFIED: {
        // Fails closed: an unknown tunnel is never taken for "none".
        const detail = `endpoint ${target.address}:${target.port} asks for a tunnel that this version does not speak`;
        return failLater({ reason: "upstream_connect_failed", detail }, done);
      }
    }
  }

  #dialOrigin(
    target: HopTarget,
    protocol: SessionProtocol,
    timeoutMs: number,
    done: Dialled,
  ): PendingConnect {
    const { origin } = target;
    if (origin === undefined) return this.#connectTo(target, timeoutMs, undefined, done);
    if (origin.invalid !== "")
      return failLater({ reason: "backend_tls_failed", detail: origin.invalid }, done);
    const tls = origin.settings(protocol, this.#systemRoots);
    return this.#connectTo(target, timeoutMs, tls, (result) => done(origin.judge(result, protocol)));
  }

  /** What is no address is a name, which is looked up. */
  #connectTo(
    target: HopTarget,
    timeoutMs: number,
    tls: ClientTls | undefined,
    done: Dialled,
  ): PendingConnect {
    const { address, port } = target;
    const { names } = this.#options;
    const settings = { ...this.#settings(target), port, ...(tls && { tls }) };
    if (names === undefined || parseIp(address) !== undefined)
      return connect({ ...settings, address, timeoutMs }, done);
    const place = {
      ...names,
      name: address,
      timeoutMs,
      connect: (ip: string, leftMs: number, onTried: Dialled) =>
        connect({ ...settings, address: ip, timeoutMs: leftMs }, onTried),
    };
    return connectToName(place, done);
  }

  #dialTunnel(
    target: HopTarget,
    protocol: SessionProtocol,
    timeoutMs: number,
    done: (result: Connection | ConnectFailure) => void,
  ): PendingConnect {
    const { identity, sourceWorkload, isExpired, onPeerRefused } = this.#options;
    if (isExpired?.() === true) return failLater(expired, done);
    const preface = encodePreface(target, protocol, sourceWorkload);
    const options = {
      ...this.#settings(target),
      address: target.tunnelAddress,
      port: target.tunnelPort,
      timeoutMs,
      tls: this.#clientTls(identity(), target.identity),
      members: this.#members,
    };
    return connect(options, (result) => {
      if (result instanceof Connection) result.write(preface);
      else if (peerReasons.has(result.reason)) onPeerRefused?.(result, target);
      done(result);
    });
  }

  #clientTls(identity: TlsIdentity, expected: string): ClientTls {
    const trust = this.#trust;
    return {
      identity,
      trustRootsPem: identity.trustRootsPem,
      serverName: meshServerName,
      alpn: [hopAlpn],
      // Exactly one URI and exactly the expected one: a certificate with several could speak for anybody.
      verifyPeer: (peer) => {
        const refusal = trust.refusalOf(peer);
        // Of a server "invalid" means: not who it should be. The request may find another endpoint.
        if (refusal?.reason === "peer_revoked") return refusal;
        if (refusal !== undefined) return { reason: "upstream_identity_mismatch", detail: refusal.detail };
        const detail = `expected ${expected === "" ? "an identity" : expected}`;
        return trust.isExpected(peer, expected)
          ? undefined
          : { reason: "upstream_identity_mismatch", detail };
      },
    };
  }

  #settings({
    keepAlive,
  }: HopTarget): Pick<ConnectOptions, "mark" | "keepAlive"> & { readonly highWaterBytes: number } {
    const { mark, limits } = this.#options;
    const { highWaterBytes } = limits.current();
    return {
      highWaterBytes,
      ...(mark === undefined ? {} : { mark }),
      ...(keepAlive === undefined ? {} : { keepAlive }),
    };
  }
}

export function encodePreface(
  target: HopTarget,
  protocol: SessionProtocol,
  sourceWorkload: string,
): Uint8Array {
  const message = toBinary(
    PrefaceSchema,
    create(PrefaceSchema, {
      targetAddress: target.address,
      targetPort: target.port,
      protocol,
      sourceWorkload,
      service: target.service,
      traceParent: target.traceParent ?? "",
    }),
  );
  const bytes = new Uint8Array(2 + message.length);
  bytes[0] = message.length >> 8;
  bytes[1] = message.length & 0xff;
  bytes.set(message, 2);
  return bytes;
}

function failLater(failure: ConnectFailure, done: (result: ConnectFailure) => void): PendingConnect {
  let isCancelled = false;
  queueMicrotask(() => {
    if (!isCancelled) done(failure);
  });
  return {
    cancel: () => {
      isCancelled = true;
    },
  };
}
