export { describeCertificate } from "./certificate.ts";
export { encodeCertificate, type Issuer } from "./certificate-builder.ts";
export { verifyChain } from "./chain.ts";
export { readCertificateNames } from "./distinguished-name.ts";
export { derToPem, pemToDer } from "./pem.ts";
export { readPrivateFileSync, writePrivateFile } from "./private-file.ts";
export { generateKeyAndCsr, parseCsr } from "./signing-request.ts";
export { readSubjectNames } from "./subject.ts";
