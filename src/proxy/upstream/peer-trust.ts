/**
 * Which peers a proxy speaks to, of those whose chain is trusted: an end of a chain with exactly one identity, of this mesh or
 * of a trust domain that counts as it, whose certificate is not revoked. Both directions ask here.
 */
import { peerProblem, RevokedSet } from "../../identity/x509/index.ts";
import { parseSpiffeId, type SpiffeId } from "../../kernel/index.ts";
import type { Mesh } from "../../model/index.ts";
import type { PeerCertificate, PeerRefusal } from "../../net/index.ts";

export class PeerTrust {
  readonly #mesh: () => Mesh | undefined;
  #seen: Mesh | undefined = undefined;
  #revoked = RevokedSet.none;

  /** `mesh`: of the newest configuration. */
  constructor(mesh: () => Mesh | undefined) {
    this.#mesh = mesh;
  }

  /** Undefined: speak to it, if it is the right one. */
  refusalOf(peer: PeerCertificate): PeerRefusal | undefined {
    const problem = peerProblem(peer.der);
    if (problem !== undefined) return { reason: "peer_identity_invalid", detail: problem };
    return this.isRevoked(peer)
      ? { reason: "peer_revoked", detail: "the certificate is revoked" }
      : undefined;
  }

  isRevoked(peer: PeerCertificate): boolean {
    return this.#current().has(peer.der);
  }

  /** Whether anything is revoked that a look at open connections could find. */
  get hasRevoked(): boolean {
    return this.#current().size > 0;
  }

  /** The peer's identity where it is of `ownDomain` or of an alias of it. */
  identityIn(peer: PeerCertificate, ownDomain: string | undefined): SpiffeId | undefined {
    const id = parseSpiffeId(peer.uriSans.length === 1 ? (peer.uriSans[0] ?? "") : "");
    if (id === undefined) return undefined;
    return id.trustDomain === ownDomain || this.#isAlias(id.trustDomain) ? id : undefined;
  }

  /** `expected`: a SPIFFE id; the same workload in an alias domain is as good. */
  isExpected(peer: PeerCertificate, expected: string): boolean {
    if (expected === "" || peer.uriSans.length !== 1) return false;
    if (peer.uriSans[0] === expected) return true;
    const wanted = parseSpiffeId(expected);
    const id = this.identityIn(peer, wanted?.trustDomain);
    return (
      id !== undefined && id.namespace === wanted?.namespace && id.serviceAccount === wanted.serviceAccount
    );
  }

  #isAlias(trustDomain: string): boolean {
    return this.#mesh()?.trustDomainAliases.includes(trustDomain) === true;
  }

  #current(): RevokedSet {
    const mesh = this.#mesh();
    if (mesh !== this.#seen) {
      this.#seen = mesh;
      this.#revoked = RevokedSet.of(mesh?.revoked ?? []);
    }
    return this.#revoked;
  }
}
