export { CertificateAuthority } from "./certificate-authority.ts";
export { type CertificatesService, certificatesService } from "./certificates-service.ts";
export { ControlCertificate } from "./control-certificate.ts";
export { JoinTokens } from "./join-tokens.ts";
