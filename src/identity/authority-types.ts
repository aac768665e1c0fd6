/** What a CA is opened with, what it issues, and whom it trusts. */
import type { Clock, Log } from "../kernel/index.ts";
import type { PluggedFiles } from "./plugged-authority.ts";

export interface CertificateAuthorityOptions {
  readonly clock?: Clock;
  readonly log?: Log;
  /** Made at random where absent and nothing is on disk; must agree with what is on disk. */
  readonly trustDomain?: string;
  /** Keys are encrypted with it, those that are on disk already too. */
  readonly passphrase?: string;
  /** Somebody else's CA signs. */
  readonly plugged?: PluggedFiles;
}

export interface IssuedCertificate {
  /** DER, leaf first, without the root. */
  readonly chain: readonly Uint8Array[];
  readonly notAfterMs: number;
  /** Fingerprint of the root that it leads to. */
  readonly root: string;
}

export interface Trust {
  /** DER. Every one of them is to be trusted. */
  readonly roots: readonly Uint8Array[];
  /** Fingerprint of the one beneath which workloads' certificates are issued. */
  readonly issuing: string;
}
