/** Identities of a mesh of its own, for tests with real TLS. */
import { derToPem, generateKeyAndCsr } from "../../identity/x509/index.ts";
import { formatSpiffeId } from "../../kernel/index.ts";
import type { TlsIdentity } from "../../net/index.ts";
import { TestAuthority as Authority } from "../agent/test/test-mesh.ts";

const lifeMs = 3_600_000;

export class TestAuthority {
  readonly trustDomain = "test.weft";
  readonly #authority = new Authority(Date.now(), this.trustDomain);

  get trustRootsPem(): string {
    return this.#authority.rootPem;
  }

  identity(serviceAccount: string): string {
    return formatSpiffeId({ trustDomain: this.trustDomain, namespace: "default", serviceAccount });
  }

  issue(serviceAccount: string): TlsIdentity {
    const { privateKeyPem, csrDer } = generateKeyAndCsr();
    const leaf = this.#authority.leaf(csrDer, this.identity(serviceAccount), Date.now(), lifeMs);
    return { privateKeyPem, certChainPem: derToPem(leaf), trustRootsPem: this.trustRootsPem };
  }
}
