/** What is kept of the certificate that a proxy showed with its newest stream. */

/** The certificate that a proxy showed on its newest stream. */
export interface ShownCertificate {
  /** SHA-256 of the issuer's name in hex. */
  readonly issuer: string;
  readonly serial: string;
  readonly notAfterMs: number;
}
