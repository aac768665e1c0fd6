/** A key and a certificate for each simulated proxy, signed with the mesh's own CA: the control plane verifies each of them as it would any other. */
import { generateKeyPairSync } from "node:crypto";
import { join } from "node:path";
import { CertificateAuthority } from "../../src/identity/index.ts";
import { derToPem } from "../../src/identity/x509/index.ts";
import type { TlsIdentity } from "../../src/net/index.ts";

export class Identities {
  readonly #authority: CertificateAuthority;
  readonly #trustRootsPem: string;

  /** `dataDir`: of the control plane. */
  constructor(dataDir: string) {
    this.#authority = CertificateAuthority.open(join(dataDir, "ca"));
    this.#trustRootsPem = pemOf(this.#authority.trustRoots());
  }

  issue(namespace: string, serviceAccount: string): TlsIdentity {
    const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
    const id = { trustDomain: this.#authority.trustDomain, namespace, serviceAccount };
    return {
      certChainPem: pemOf(this.#authority.issue(publicKey, id).chain),
      privateKeyPem: privateKey.export({ type: "pkcs8", format: "pem" }),
      trustRootsPem: this.#trustRootsPem,
    };
  }

  close(): void {
    this.#authority.close();
  }
}

function pemOf(chain: readonly Uint8Array[]): string {
  return chain.map((der) => derToPem(der)).join("");
}
