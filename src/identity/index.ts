export {
  CertificateAuthority,
  type CertificateAuthorityOptions,
  type IssuedCertificate,
  peerDnsName,
} from "./certificate-authority.ts";
export {
  type CertificatesCall,
  type CertificatesService,
  certificatesService,
  type CertificatesServiceOptions,
} from "./certificates-service.ts";
export {
  ControlCertificate,
  type ControlCertificateOptions,
  controlNamespace,
  controlServiceAccount,
  type IssuedIdentity,
} from "./control-certificate.ts";
export {
  JoinTokens,
  maxTokenTtlMs,
  type RedeemRefusal,
  type TokenRequest,
  type TokenSubject,
} from "./join-tokens.ts";
