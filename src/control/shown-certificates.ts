/**
 * Certificates that proxies show on their streams, on their way into the ledger: once for each connection, and many in one
 * write, since after a restart thousands are shown at once. Bounded by the connections that there are.
 */
import type { CertificateLedger, KnownCertificate } from "../identity/index.ts";
import { certificateValidity } from "../identity/x509/index.ts";
import {
  type Clock,
  errorLine,
  formatSpiffeId,
  type Log,
  type SpiffeId,
  type Timer,
} from "../kernel/index.ts";
import type { ShownCertificate } from "./shown-certificate.ts";

/** Nobody revokes a certificate within this time of its first connection by looking it up in the list. */
const gatherMs = 100;

export interface ShownCertificatesOptions {
  readonly ledger: CertificateLedger;
  /** Fingerprint of the root that a certificate of this issuer leads to; undefined: not known. */
  readonly rootOf: (number: { readonly issuer: string; readonly serial: string }) => string | undefined;
  readonly clock: Clock;
  readonly log: Log;
}

export class ShownCertificates {
  readonly #options: ShownCertificatesOptions;
  /** The workload that was noted last, by what its connection showed: streams and names ask again and again. */
  readonly #seen = new WeakMap<Uint8Array, string>();
  #waiting: KnownCertificate[] = [];
  #timer: Timer | undefined;

  constructor(options: ShownCertificatesOptions) {
    this.#options = options;
  }

  /** `der`: the same object for as long as the connection is the same. `shown`: what was read of it. */
  note(workload: string, id: SpiffeId, der: Uint8Array, shown: ShownCertificate): void {
    if (this.#seen.get(der) === workload) return;
    this.#seen.set(der, workload);
    const validity = certificateValidity(der);
    if (validity === undefined) return;
    const name = { issuer: shown.issuer, serial: shown.serial };
    const root = this.#options.rootOf(name) ?? "";
    this.#waiting.push({ ...name, workload, identity: formatSpiffeId(id), root, ...validity });
    this.#timer ??= this.#options.clock.after(gatherMs, () => this.flush());
  }

  /** Writes what waits. */
  flush(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    try {
      this.#options.ledger.noteAll(this.#waiting.splice(0));
    } catch (error) {
      // They are shown again with the next connection; until then they can be revoked by their serial number alone.
      this.#options.log.warn("certificates that were shown could not be noted", { error: errorLine(error) });
    }
  }
}
