/** The identity that a worker was given, the same object until its parent gives it another. */
import { errorLine, type Log } from "../../kernel/index.ts";
import type { TlsIdentity } from "../../net/index.ts";

export class IdentityHolder {
  readonly #log: Log;
  readonly #listeners = new Set<(identity: TlsIdentity) => void>();
  #current: TlsIdentity;

  constructor(first: TlsIdentity, log: Log) {
    this.#current = first;
    this.#log = log;
  }

  get current(): TlsIdentity {
    return this.#current;
  }

  onChange(listener: (identity: TlsIdentity) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  set(identity: TlsIdentity): void {
    this.#current = identity;
    for (const listener of this.#listeners) {
      try {
        listener(identity);
      } catch (error) {
        this.#log.error("a listener failed on a new certificate", { error: errorLine(error) });
      }
    }
  }
}
