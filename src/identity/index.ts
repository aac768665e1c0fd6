export { ServiceAccountTokens } from "./attestation/service-account-token.ts";
export { CertificateAuthority } from "./certificate-authority.ts";
export { CertificateLedger, type KnownCertificate, numberOf } from "./certificate-ledger.ts";
export { type CertificatesService, certificatesService } from "./certificates-service.ts";
export { ControlCertificate } from "./control-certificate.ts";
export { readPassphrase } from "./encrypted-key.ts";
export { JoinTokens } from "./join-tokens.ts";
export type { PluggedFiles } from "./plugged-authority.ts";
export { isGoingBack, movesCertificates, type Rotation } from "./root-rotation.ts";
