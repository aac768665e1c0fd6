export { type CertificateDescription, describeCertificate } from "./certificate.ts";
export {
  type AuthorityConstraints,
  type CertificateRequest,
  encodeCertificate,
  type Issuer,
} from "./certificate-builder.ts";
export { type ChainToVerify, verifyChain } from "./chain.ts";
export { derToPem, pemToDer, type PemLabel } from "./pem.ts";
export { readPrivateFileSync, writePrivateFile, writePrivateFileSync } from "./private-file.ts";
export { generateKeyAndCsr, type KeyAndRequest, parseCsr } from "./signing-request.ts";
