/** A certificate for one DNS name, as a gateway shows it; whoever signed it is nobody that anybody knows. */
import { generateKeyPairSync } from "node:crypto";
import { derToPem, encodeCertificate } from "../../../identity/x509/index.ts";

export function publicCertificate(
  dns: string,
  kind: "ECDSA" | "RSA" = "ECDSA",
): { certChainPem: string; privateKeyPem: string } {
  const signer = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const keys = kind === "RSA" ? generateKeyPairSync("rsa", { modulusLength: 2048 }) : signer;
  const now = Date.now();
  const der = encodeCertificate(
    {
      commonName: dns,
      publicKey: keys.publicKey,
      uriSans: [],
      dnsSans: [dns],
      notBeforeMs: now - 60_000,
      notAfterMs: now + 86_400_000,
    },
    { commonName: dns, ...signer },
  );
  return {
    certChainPem: derToPem(der),
    privateKeyPem: keys.privateKey.export({ type: "pkcs8", format: "pem" }),
  };
}
