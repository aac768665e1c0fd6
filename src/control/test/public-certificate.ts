/** A self-signed certificate for one DNS name, as a gateway shows it. */
import { generateKeyPairSync } from "node:crypto";
import { derToPem, encodeCertificate } from "../../identity/x509/index.ts";

export function publicCertificate(dns: string): { certChainPem: string; privateKeyPem: string } {
  const keys = generateKeyPairSync("ec", { namedCurve: "P-256" });
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
    { commonName: dns, ...keys },
  );
  return {
    certChainPem: derToPem(der),
    privateKeyPem: keys.privateKey.export({ type: "pkcs8", format: "pem" }),
  };
}
