/** Whom the mesh trusts, as the control plane knows it and no operator writes it. */
export interface Trust {
  readonly trustDomain: string;
  /** DER. */
  readonly trustRoots: readonly Uint8Array[];
}

/** What the mesh trusts at present. Operational: it moves no revision. */
export interface TrustInput {
  /** DER. */
  readonly roots: readonly Uint8Array[];
  /** SHA-256 of the root beneath which certificates are issued. */
  readonly issuingRoot: Uint8Array;
  /** Within which time proxies renew certificates that are of another root. */
  readonly reissueWithinMs: number;
  readonly revoked: readonly { readonly issuer: Uint8Array; readonly serial: Uint8Array }[];
}
