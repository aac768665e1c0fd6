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
import {
  type Attestation,
  type IssueRequest,
  type IssueResponse,
  IssueResponseSchema,
} from "../wire/index.ts";
import type { CertificateAuthority, IssuedCertificate } from "./certificate-authority.ts";
import type { JoinTokens, RedeemRefusal } from "./join-tokens.ts";
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
  readonly tokens: JoinTokens;
  readonly clock: Clock;
  readonly log?: Log;
  /** Where what is issued is noted. */
  readonly ledger?: CertificateLedger;
  /** Takes service-account tokens of a cluster; absent: none are taken. */
  readonly serviceAccountTokens?: Attestor | undefined;
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
      const id =
        request.attestation === undefined
          ? proveIdentity(options, call, namespace)
          : await attest(options, request.attestation, namespace);
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

async function attest(
  { authority, serviceAccountTokens, onAttestationRefused, log }: CertificatesServiceOptions,
  { proof }: Attestation,
  namespace: string,
): Promise<SpiffeId> {
  const attestor = proof.case === "serviceAccountToken" ? serviceAccountTokens : undefined;
  if (attestor === undefined || proof.case !== "serviceAccountToken") {
    throw new WeftError("unauthenticated", "this kind of proof is not taken here", {
      hint: "join with a join token, or give the control plane the issuer's keys (--sa-token-jwks)",
    });
  }
  const subject = await attestor.attest(proof.value);
  if ("refusal" in subject) {
    onAttestationRefused?.(attestor.name, subject.refusal);
    log?.warn("a proof of identity is refused", { attestor: attestor.name, ...subject });
    throw new WeftError("unauthenticated", subject.detail);
  }
  if (subject.namespace === controlNamespace && subject.serviceAccount === controlServiceAccount)
    throw new WeftError("forbidden", "the control plane's identity is not handed out");
  requireNamespace(subject.namespace, namespace);
  return { trustDomain: authority.trustDomain, ...subject };
}

function proveIdentity(
  options: CertificatesServiceOptions,
  call: CertificatesCall,
  namespace: string,
): SpiffeId {
  const { authority, tokens } = options;
  const header = call.metadata.get("authorization");
  if (header === undefined) return provenByPeer(options, call, namespace);
  const token = /^bearer +(?<token>\S+)$/i.exec(header)?.groups?.["token"];
  const subject = token === undefined ? "unknown" : tokens.redeem(token);
  if (typeof subject === "string")
    throw new WeftError("unauthenticated", refusals[subject], { hint: "make a new token and start again" });
  requireNamespace(subject.namespace, namespace);
  return { trustDomain: authority.trustDomain, ...subject };
}

function provenByPeer(
  { authority, clock, isRevoked }: CertificatesServiceOptions,
  { peer }: CertificatesCall,
  namespace: string,
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
  requireNamespace(id.namespace, namespace);
  return id;
}

function requireNamespace(proven: string, asked: string): void {
  if (proven === asked) return;
  throw new WeftError(
    "forbidden",
    `an identity of namespace ${proven} cannot have a certificate for a workload of ${asked}`,
  );
}

const refusals: Record<RedeemRefusal, string> = {
  expired: "the join token is expired",
  used: "the join token was used before",
  unknown: "the join token is not known here",
};
