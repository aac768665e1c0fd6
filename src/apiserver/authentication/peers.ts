/** Who a connection's other end is: a client certificate's subject or SPIFFE id, or the user of a process on this machine. */
import { parsePeerNames } from "./peer-names.ts";
import type { ConnectionPeer, PeerAuthenticator } from "./authenticator.ts";
import { type Caller, callerOf, mastersGroup } from "./caller.ts";

interface CertificateAuthenticatorOptions {
  readonly trustDomain: string;
  readonly isRevoked: (der: Uint8Array) => boolean;
  readonly nowMs: () => number;
}

export class CertificateAuthenticator implements PeerAuthenticator {
  readonly #options: CertificateAuthenticatorOptions;

  constructor(options: CertificateAuthenticatorOptions) {
    this.#options = options;
  }

  authenticate({ certificate, certificateNotAfterMs }: ConnectionPeer): Caller | undefined {
    if (certificate === undefined || certificateNotAfterMs === undefined) return undefined;
    const { trustDomain, isRevoked, nowMs } = this.#options;
    // The handshake checked both once; a connection may outlive its certificate.
    if (certificateNotAfterMs <= nowMs() || isRevoked(certificate)) return undefined;
    const names = parsePeerNames(certificate, trustDomain);
    if (names === undefined) return undefined;
    return callerOf({ ...names, method: "client_certificate", expiresAtMs: certificateNotAfterMs });
  }
}

export class UnixPeerAuthenticator implements PeerAuthenticator {
  readonly #ownUid: number;

  constructor(ownUid: number) {
    this.#ownUid = ownUid;
  }

  authenticate({ uid }: ConnectionPeer): Caller | undefined {
    if (uid === undefined) return undefined;
    // Both can read the instance's token and the store anyway.
    const groups = uid === 0 || uid === this.#ownUid ? [mastersGroup] : [];
    return callerOf({ user: `unix:${uid}`, uid: String(uid), groups, method: "unix_peer" });
  }
}
