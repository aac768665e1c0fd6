/** An authority of servers outside the mesh, for tests: leaves with the names and the time that a test asks for. */
import { generateKeyPairSync } from "node:crypto";
import { derToPem, encodeCertificate, type Issuer } from "../../identity/x509/index.ts";

const dayMs = 86_400_000;

export interface BackendNames {
  readonly dns: string;
  readonly uris?: readonly string[];
  readonly notBeforeMs?: number;
  readonly notAfterMs?: number;
}

export interface BackendCertificate {
  readonly certChainPem: string;
  readonly privateKeyPem: string;
}

export class BackendRoot {
  readonly pem: string;
  readonly #issuer: Issuer;
  readonly #nowMs = Date.now();

  constructor(commonName: string) {
    this.#issuer = { commonName, ...generateKeyPairSync("ec", { namedCurve: "P-256" }) };
    const der = encodeCertificate(
      {
        commonName,
        publicKey: this.#issuer.publicKey,
        uriSans: [],
        dnsSans: ["authority.example.com"],
        notBeforeMs: this.#nowMs - 10 * dayMs,
        notAfterMs: this.#nowMs + dayMs,
        authority: { pathLength: 1 },
      },
      this.#issuer,
    );
    this.pem = derToPem(der);
  }

  issue({ dns, uris = [], notBeforeMs, notAfterMs }: BackendNames): BackendCertificate {
    const keys = generateKeyPairSync("ec", { namedCurve: "P-256" });
    const der = encodeCertificate(
      {
        commonName: "backend",
        publicKey: keys.publicKey,
        uriSans: uris,
        dnsSans: [dns],
        notBeforeMs: notBeforeMs ?? this.#nowMs - dayMs,
        notAfterMs: notAfterMs ?? this.#nowMs + dayMs,
      },
      this.#issuer,
    );
    const privateKeyPem = keys.privateKey.export({ type: "pkcs8", format: "pem" });
    return { certChainPem: derToPem(der), privateKeyPem };
  }
}
