/** What a connected proxy may do, told from the identity that it proved: speak for workloads of its own namespace and service account, and for no other. */
import { formatSpiffeId, parseSpiffeId, type SpiffeId, WeftError } from "../kernel/index.ts";
import { peerProblem } from "../identity/x509/index.ts";
import type { PeerRefusal } from "../net/index.ts";
import type { RegistryViews } from "../registry/index.ts";

export interface VerifiedPeer {
  readonly uriSans: readonly string[];
  readonly notAfterMs: number;
}

/** With the certificate itself, as the port has it. */
export interface PeerOfPort extends VerifiedPeer {
  readonly der: Uint8Array;
}

/** For the TLS layer: a certificate of ours that names no workload of ours, or is revoked, ends the handshake. */
export function verifyProxy(
  peer: PeerOfPort,
  trustDomain: string,
  isRevoked: (der: Uint8Array) => boolean,
): PeerRefusal | undefined {
  const problem = peerProblem(peer.der);
  if (problem !== undefined) return { reason: "peer_identity_invalid", detail: problem };
  if (isRevoked(peer.der)) return { reason: "peer_revoked", detail: "the certificate is revoked" };
  return identityOf(peer, trustDomain) === undefined
    ? { reason: "peer_identity_invalid", detail: `not an identity of trust domain ${trustDomain}` }
    : undefined;
}

/** Undefined where there is no certificate, not one of this mesh, or one that the connection has outlived. */
export function provenIdentity(
  peer: VerifiedPeer | undefined,
  trustDomain: string,
  nowMs: number,
): SpiffeId | undefined {
  // The handshake checked the time once; a connection may live for long after it.
  return peer === undefined || peer.notAfterMs <= nowMs ? undefined : identityOf(peer, trustDomain);
}

function identityOf(peer: VerifiedPeer, trustDomain: string): SpiffeId | undefined {
  const uri = peer.uriSans.length === 1 ? peer.uriSans[0] : undefined;
  const id = uri === undefined ? undefined : parseSpiffeId(uri);
  return id?.trustDomain === trustDomain ? id : undefined;
}

/** Throws `unauthenticated`: everything on the port but a first certificate needs one. */
export function requireIdentity(
  peer: VerifiedPeer | undefined,
  trustDomain: string,
  nowMs: number,
): SpiffeId {
  const id = provenIdentity(peer, trustDomain, nowMs);
  if (id !== undefined) return id;
  const problem =
    peer === undefined
      ? "a certificate of this mesh is required"
      : "the connection's certificate is not valid";
  throw new WeftError("unauthenticated", problem, {
    hint: "connect anew, with a join token if there is no certificate",
  });
}

/** Throws `forbidden` where the identity is not that of the workload's own proxy. `workload` is "namespace/name". */
export function requireWorkload(id: SpiffeId, workload: string, views: RegistryViews): void {
  if (!mayActFor(id, workload, views)) {
    throw new WeftError("forbidden", `${formatSpiffeId(id)} may not act for workload ${workload}`);
  }
}

/** A workload that is not registered yet is judged by its namespace; its registration then binds the service account. */
export function mayActFor(id: SpiffeId, workload: string, views: RegistryViews): boolean {
  const [namespace, name, ...more] = workload.split("/");
  if (namespace !== id.namespace || name === undefined || name === "" || more.length > 0) return false;
  const known = views.workload(workload);
  return known === undefined || known.serviceAccount === id.serviceAccount;
}

/** The role is the proxy's own word, and what it brings are private keys: it takes an account that the mesh names for it. */
export function mayServeGateways(id: SpiffeId, serviceAccounts: readonly string[]): boolean {
  return serviceAccounts.includes(`${id.namespace}/${id.serviceAccount}`);
}
