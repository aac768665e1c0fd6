/** What a caller says about TLS: whose identity is shown, what the peer must prove, which protocols are offered. */
import type { ReasonCode } from "../kernel/index.ts";

/**
 * Certificates of our own mesh all carry this DNS name beside the SPIFFE URI, so that BoringSSL verifies chain and
 * name together; which workload it is, we read from the URI afterwards.
 */
export const meshServerName = "peer.weft.internal";

export interface TlsIdentity {
  /** Leaf first, then intermediates; without the root. */
  readonly certChainPem: string;
  readonly privateKeyPem: string;
  /** Roots that a peer's chain must lead to. */
  readonly trustRootsPem: string;
}

export interface PeerCertificate {
  readonly der: Uint8Array;
  readonly uriSans: readonly string[];
  readonly notAfterMs: number;
}

export interface ServerTls {
  readonly identity: TlsIdentity;
  /**
   * In order of preference; empty: none is negotiated. A client that offers only others is refused; one that does not
   * offer any comes in with `alpn` undefined.
   */
  readonly alpn: readonly string[];
  readonly clientCertificate: "required" | "optional" | "none";
  /** Called with a certificate whose chain was verified. Undefined: let it in. */
  verifyPeer?(peer: PeerCertificate): ReasonCode | undefined;
}

export interface ClientTls {
  readonly identity?: TlsIdentity | undefined;
  readonly trustRootsPem: string;
  readonly serverName: string;
  /** A server that negotiates none leaves `alpn` undefined. */
  readonly alpn: readonly string[];
  /** Called with a certificate whose chain and name were verified, before any byte is sent. Undefined: go on. */
  verifyPeer(peer: PeerCertificate): ReasonCode | undefined;
}
