/** The control plane's own certificate: made at start, kept in memory only, replaced for new connections at half life and when the mesh changes its root. */
import { type Clock, errorLine, type Log, type SpiffeId, type Timer } from "../kernel/index.ts";
import type { CertificateAuthority } from "./certificate-authority.ts";
import { derToPem } from "./x509/pem.ts";
import { generateKeyAndCsr } from "./x509/signing-request.ts";

/** A certificate with its key in the form that TLS takes it. `privateKeyPem` is a secret. */
export interface IssuedIdentity {
  readonly certChainPem: string;
  readonly privateKeyPem: string;
  readonly trustRootsPem: string;
}

export interface ControlCertificateOptions {
  readonly authority: CertificateAuthority;
  readonly clock: Clock;
  readonly log: Log;
}

export const controlNamespace = "weft-system";
export const controlServiceAccount = "control";

/** A suspended machine's timers stand still while its certificates age: look at the wall clock at least this often. */
const maxWaitMs = 60_000;

export class ControlCertificate {
  readonly #options: ControlCertificateOptions;
  readonly #id: SpiffeId;
  #identity: IssuedIdentity;
  #renewAtMs = 0;
  #timer: Timer;
  readonly #unsubscribe: () => void;

  constructor(options: ControlCertificateOptions) {
    this.#options = options;
    this.#id = {
      trustDomain: options.authority.trustDomain,
      namespace: controlNamespace,
      serviceAccount: controlServiceAccount,
    };
    this.#identity = this.#issue();
    this.#timer = this.#schedule();
    this.#unsubscribe = options.authority.onChange(() => this.#renew());
  }

  /** Ask anew for every handshake. */
  get identity(): IssuedIdentity {
    return this.#identity;
  }

  stop(): void {
    this.#unsubscribe();
    this.#timer.cancel();
  }

  #issue(): IssuedIdentity {
    const { authority, clock } = this.#options;
    const { privateKeyPem, csrDer } = generateKeyAndCsr();
    const issued = authority.issue(csrDer, this.#id, undefined, "control");
    const nowMs = clock.nowMs();
    this.#renewAtMs = nowMs + (issued.notAfterMs - nowMs) / 2;
    return {
      certChainPem: issued.chain.map((der) => derToPem(der)).join(""),
      privateKeyPem,
      trustRootsPem: authority
        .trustRoots()
        .map((der) => derToPem(der))
        .join(""),
    };
  }

  #schedule(): Timer {
    return this.#options.clock.after(maxWaitMs, () => {
      if (this.#options.clock.nowMs() >= this.#renewAtMs) this.#renew();
      this.#timer = this.#schedule();
    });
  }

  #renew(): void {
    try {
      this.#identity = this.#issue();
    } catch (error) {
      this.#options.log.error("the control plane's certificate could not be renewed", {
        error: errorLine(error),
      });
    }
  }
}
