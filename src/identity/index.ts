export { ExecutableHashes } from "./attestation/executable-hashes.ts";
export { type KnownProcess, matchProcess, type ProcessRule } from "./attestation/process-rules.ts";
export { ProcessTickets, ticketLifeMs } from "./attestation/process-tickets.ts";
export { type AttributeRefusal, type ProcessRefusal, ProcessView } from "./attestation/process-view.ts";
export { ServiceAccountTokens } from "./attestation/service-account-token.ts";
export { CertificateAuthority } from "./certificate-authority.ts";
export { CertificateLedger, type KnownCertificate, numberOf, type Revocation } from "./certificate-ledger.ts";
export { type CertificatesService, certificatesService } from "./certificates-service.ts";
export { ControlCertificate, controlNamespace, controlServiceAccount } from "./control-certificate.ts";
export { readPassphrase } from "./encrypted-key.ts";
export {
  checkTokenRequest,
  JoinTokens,
  maxPendingTokens,
  maxTokenLength,
  newJoinToken,
  redeemRefusals,
  rememberMs,
  type TokenRequest,
} from "./join-tokens.ts";
export type { AttestationRefusal, AttestedSubject, Attestor } from "./attestation/attestor.ts";
export type { PluggedFiles } from "./plugged-authority.ts";
export { isGoingBack, movesCertificates, type Rotation } from "./root-rotation.ts";
