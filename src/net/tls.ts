/** What a caller says about TLS: whose identity is shown, what the peer must prove, which protocols are offered. */
import type { ReasonCode } from "../kernel/index.ts";

/**
 * Certificates of our own mesh all carry this DNS name beside the SPIFFE URI, so that BoringSSL verifies chain and
 * name together; which workload it is, we read from the URI afterwards.
 */
export const meshServerName = "peer.weft.internal";

/** What a side shows of itself. Contexts are cached per object: keep it as long as the certificate is the same. */
export interface TlsCertificate {
  /** Leaf first, then intermediates; without the root. */
  readonly certChainPem: string;
  readonly privateKeyPem: string;
}

export interface TlsIdentity extends TlsCertificate {
  /** Roots that a peer's chain must lead to. */
  readonly trustRootsPem: string;
}

export interface PeerCertificate {
  readonly der: Uint8Array;
  readonly uriSans: readonly string[];
  readonly notAfterMs: number;
}

/** A refusal with what was wrong, for the log. */
export interface PeerRefusal {
  readonly reason: ReasonCode;
  readonly detail: string;
}

interface ServerTlsBasics {
  /**
   * In order of preference; empty: none is negotiated. A client that offers only others is refused; one that does not
   * offer any comes in with `alpn` undefined.
   */
  readonly alpn: readonly string[];
  /** Default: 1.3. With 1.2, only suites with forward secrecy and authenticated encryption. */
  readonly minVersion?: "1.2" | "1.3";
}

/** Clients are verified, so sessions are never resumed: that would skip the verification. */
export interface VerifyingServerTls extends ServerTlsBasics {
  readonly identity: TlsIdentity;
  /**
   * "optional": a client without one comes in, one with a bad one does not. "unverified": both come in, and only a good one
   * is seen in `Connection.peer`.
   */
  readonly clientCertificate: "required" | "optional" | "unverified";
  /** Called with a certificate whose chain was verified. Undefined: let it in. */
  verifyPeer?(peer: PeerCertificate): ReasonCode | PeerRefusal | undefined;
}

/** Clients are not asked who they are. */
export interface OpenServerTls extends ServerTlsBasics {
  readonly identity: TlsCertificate;
  readonly clientCertificate: "none";
  /** Gives out session tickets. Default: false. */
  readonly resumption?: boolean;
}

export type ServerTls = VerifyingServerTls | OpenServerTls;

export interface ClientTls {
  readonly identity?: TlsIdentity | undefined;
  readonly trustRootsPem: string;
  readonly serverName: string;
  /** A server that negotiates none leaves `alpn` undefined. */
  readonly alpn: readonly string[];
  /** Default: 1.3. With 1.2, only suites with forward secrecy and authenticated encryption. */
  readonly minVersion?: "1.2" | "1.3";
  /** The certificate's chain is verified, and its names are for `verifyPeer` alone to judge. Default: `serverName` must be one. */
  readonly judgesNames?: boolean;
  /** Called with a certificate whose chain and name were verified, before any byte is sent. Undefined: go on. */
  verifyPeer(peer: PeerCertificate): ReasonCode | PeerRefusal | undefined;
}
