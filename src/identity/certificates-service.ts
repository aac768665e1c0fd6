/**
 * The certificates service of the ADS port: who may have which certificate. A join token is for the first one; later
 * ones need a connection that proves the same identity. What is asked for never widens what was proven.
 */
import { create } from "@bufbuild/protobuf";
import {
  type Clock,
  formatSpiffeId,
  type Log,
  parseSpiffeId,
  silentLog,
  type SpiffeId,
  WeftError,
} from "../kernel/index.ts";
import type { Attestor } from "./attestation/attestor.ts";
import { controlNamespace, controlServiceAccount } from "./control-certificate.ts";
import type { CertificateLedger } from "./certificate-ledger.ts";
import { type IssueRequest, type IssueResponse, IssueResponseSchema } from "../wire/index.ts";
import type { IssuedCertificate } from "./authority-types.ts";
import type { CertificateAuthority } from "./certificate-authority.ts";
import { certificateNumber, serialText } from "./x509/certificate-number.ts";
import { parseCsr } from "./x509/signing-request.ts";

/** What the service reads of a call. */
export interface CertificatesCall {
  readonly peer:
    | { readonly der: Uint8Array; readonly uriSans: readonly string[]; readonly notAfterMs: number }
    | undefined;
  readonly metadata: ReadonlyMap<string, string>;
}

export interface CertificatesServiceOptions {
  readonly authority: CertificateAuthority;
  /** Takes join tokens. */
  readonly tokens: Attestor;
  readonly clock: Clock;
  readonly log?: Log;
  /** Where what is issued is noted. */
  readonly ledger?: CertificateLedger;
  /** Takes service-account tokens of a cluster; absent: none are taken. */
  readonly serviceAccountTokens?: Attestor | undefined;
  /** Takes tickets of the attestation socket; absent: there is none. */
  readonly processTickets?: Attestor | undefined;
  /** A proof was refused. */
  readonly onAttestationRefused?: (attestor: string, refusal: string) => void;
  /** Whether a certificate (DER) that a connection was opened with is revoked by now. */
  readonly isRevoked?: (der: Uint8Array) => boolean;
}

export interface CertificatesService {
  issue(request: IssueRequest, call: CertificatesCall): Promise<IssueResponse>;
}

export function certificatesService(options: CertificatesServiceOptions): CertificatesService {
  const { authority } = options;
  const log = options.log ?? silentLog;
  return {
    async issue(request, call) {
      const [namespace, name, ...more] = request.workload.split("/");
      if (namespace === undefined || name === undefined || name === "" || more.length > 0) {
        throw new WeftError("bad_input", `"${request.workload}" is no workload; write namespace/name`);
      }
      // Before the token is spent: a request that cannot be signed must not cost one.
      const key = parseCsr(request.csr);
      const id = await proveIdentity(options, request, call);
      requireNamespace(id.namespace, namespace);
      const issued = authority.issue(key, id);
      note(options, request.workload, id, issued);
      log.info("certificate issued", { workload: request.workload, identity: formatSpiffeId(id) });
      return create(IssueResponseSchema, {
        chain: [...issued.chain],
        trustRoots: authority.trustRoots(),
        identity: formatSpiffeId(id),
        notAfterUnixMs: BigInt(issued.notAfterMs),
      });
    },
  };
}

function note(
  { ledger, clock }: CertificatesServiceOptions,
  workload: string,
  id: SpiffeId,
  issued: IssuedCertificate,
): void {
  const leaf = issued.chain[0];
  const number = leaf === undefined ? undefined : certificateNumber(leaf);
  if (number === undefined) return;
  ledger?.note({
    issuer: Buffer.from(number.issuer).toString("hex"),
    serial: serialText(number.serial),
    workload,
    identity: formatSpiffeId(id),
    root: issued.root,
    notBeforeMs: clock.nowMs(),
    notAfterMs: issued.notAfterMs,
  });
}

/** What was sent to prove who asks, and who judges it; undefined where it is left to the connection. */
function proofOf(
  { tokens, serviceAccountTokens, processTickets }: CertificatesServiceOptions,
  { attestation }: IssueRequest,
  { metadata }: CertificatesCall,
): { readonly attestor: Attestor | undefined; readonly value: string } | undefined {
  const proof = attestation?.proof;
  switch (proof?.case) {
    case "serviceAccountToken":
      return { attestor: serviceAccountTokens, value: proof.value };
    case "processTicket":
      return { attestor: processTickets, value: proof.value };
    case undefined:
      if (attestation !== undefined) return { attestor: undefined, value: "" };
  }
  const header = metadata.get("authorization");
  if (header === undefined) return undefined;
  // What is no bearer token is unknown, as any other nonsense is.
  return { attestor: tokens, value: /^bearer +(?<token>\S+)$/i.exec(header)?.groups?.["token"] ?? "" };
}

async function attest(
  { authority, onAttestationRefused, log }: CertificatesServiceOptions,
  attestor: Attestor | undefined,
  proof: string,
): Promise<SpiffeId> {
  if (attestor === undefined) {
    throw new WeftError("unauthenticated", "this kind of proof is not taken here", {
      hint: "join with a join token, or give the control plane an issuer's keys (--sa-token-jwks) or an attestation socket",
    });
  }
  const subject = await attestor.attest(proof);
  if ("refusal" in subject) {
    const { refusal, detail, hint } = subject;
    onAttestationRefused?.(attestor.name, refusal);
    log?.warn("a proof of identity is refused", { attestor: attestor.name, refusal, detail });
    throw new WeftError("unauthenticated", detail, hint === undefined ? {} : { hint });
  }
  if (subject.namespace === controlNamespace && subject.serviceAccount === controlServiceAccount)
    throw new WeftError("forbidden", "the control plane's identity is not handed out");
  return { trustDomain: authority.trustDomain, ...subject };
}

async function proveIdentity(
  options: CertificatesServiceOptions,
  request: IssueRequest,
  call: CertificatesCall,
): Promise<SpiffeId> {
  const proof = proofOf(options, request, call);
  return proof === undefined ? provenByPeer(options, call) : attest(options, proof.attestor, proof.value);
}

function provenByPeer(
  { authority, clock, isRevoked }: CertificatesServiceOptions,
  { peer }: CertificatesCall,
): SpiffeId {
  if (peer === undefined) {
    throw new WeftError(
      "unauthenticated",
      "a certificate needs a join token or a connection with a certificate",
    );
  }
  const uri = peer.uriSans.length === 1 ? peer.uriSans[0] : undefined;
  const id = uri === undefined ? undefined : parseSpiffeId(uri);
  if (id === undefined || id.trustDomain !== authority.trustDomain) {
    throw new WeftError("forbidden", "the connection's certificate carries no identity of this mesh");
  }
  // The handshake checked this once; the connection may have outlived its certificate since.
  if (peer.notAfterMs <= clock.nowMs())
    throw new WeftError("unauthenticated", "the connection's certificate is expired");
  if (isRevoked?.(peer.der) === true) {
    throw new WeftError("unauthenticated", "the connection's certificate is revoked", {
      hint: "join anew with a join token",
    });
  }
  return id;
}

function requireNamespace(proven: string, asked: string): void {
  if (proven === asked) return;
  throw new WeftError(
    "forbidden",
    `an identity of namespace ${proven} cannot have a certificate for a workload of ${asked}`,
  );
}
