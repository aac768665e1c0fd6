/** The identity that the data path shows and trusts: the newest certificate, with the newest of the mesh's roots. */
import { derToPem } from "../../identity/x509/index.ts";
import { errorLine, type Log, WeftError } from "../../kernel/index.ts";
import type { Mesh } from "../../model/index.ts";
import type { TlsIdentity } from "../../net/index.ts";

export class IdentitySource {
  readonly #log: Log;
  readonly #listeners = new Set<(identity: TlsIdentity) => void>();
  #held: TlsIdentity | undefined;
  #roots: readonly Uint8Array[] = [];
  #identity: TlsIdentity | undefined;

  constructor(log: Log) {
    this.#log = log;
  }

  /** The same object until something in it changes, so that what is made from it can be kept. */
  get current(): TlsIdentity | undefined {
    return this.#identity;
  }

  require(): TlsIdentity {
    if (this.#identity === undefined) throw new WeftError("unavailable", "the proxy has no certificate yet");
    return this.#identity;
  }

  onChange(listener: (identity: TlsIdentity) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  setCertificate(held: TlsIdentity): void {
    this.#held = held;
    this.#compose();
  }

  /** Roots of the configuration are newer than those that came with the certificate: a new root is added there first. */
  setMesh(mesh: Mesh | undefined): void {
    this.#roots = mesh?.trustRoots ?? [];
    this.#compose();
  }

  #compose(): void {
    const held = this.#held;
    if (held === undefined) return;
    const { certChainPem, privateKeyPem } = held;
    const trustRootsPem =
      this.#roots.length === 0 ? held.trustRootsPem : this.#roots.map((der) => derToPem(der)).join("");
    if (this.#identity?.certChainPem === certChainPem && this.#identity.trustRootsPem === trustRootsPem)
      return;
    const identity = { certChainPem, privateKeyPem, trustRootsPem };
    this.#identity = identity;
    for (const listener of this.#listeners) {
      try {
        listener(identity);
      } catch (error) {
        this.#log.error("a listener failed on a new certificate", { error: errorLine(error) });
      }
    }
  }
}
