/** An authority that gives clients of gateways their certificates, for tests with real TLS. */
import { generateKeyPairSync } from "node:crypto";
import { derToPem, encodeCertificate } from "../../identity/x509/index.ts";

export interface ClientCertificate {
  readonly certChainPem: string;
  readonly privateKeyPem: string;
}

const dayMs = 86_400_000;

export class ClientAuthority {
  readonly pem: string;
  readonly #issuer;

  constructor(commonName: string) {
    this.#issuer = { commonName, ...generateKeyPairSync("ec", { namedCurve: "P-256" }) };
    const { publicKey } = this.#issuer;
    const request = { commonName, publicKey, ...validFrom(-dayMs), uriSans: [], dnsSans: [] };
    this.pem = derToPem(encodeCertificate({ ...request, authority: { pathLength: 0 } }, this.#issuer));
  }

  /** For two days from `startMs` after now on. */
  issue(commonName: string, startMs = -dayMs): ClientCertificate {
    const keys = generateKeyPairSync("ec", { namedCurve: "P-256" });
    const names = { uriSans: [`urn:client:${commonName}`], dnsSans: [`${commonName}.client`] };
    const request = { commonName, publicKey: keys.publicKey, ...validFrom(startMs), ...names };
    return {
      certChainPem: derToPem(encodeCertificate(request, this.#issuer)),
      privateKeyPem: keys.privateKey.export({ type: "pkcs8", format: "pem" }),
    };
  }
}

function validFrom(startMs: number) {
  const notBeforeMs = Date.now() + startMs;
  return { notBeforeMs, notAfterMs: notBeforeMs + 2 * dayMs };
}
