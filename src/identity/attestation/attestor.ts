/** How a workload without a certificate proves who it is: one interface, whatever the proof is. */

export interface AttestedSubject {
  readonly namespace: string;
  readonly serviceAccount: string;
}

/** For the caller and the log; says nothing of the proof itself. */
export interface AttestationRefusal {
  readonly refusal: "expired" | "not_yet_valid" | "replayed" | "untrusted" | "malformed" | "unavailable";
  readonly detail: string;
  /** What to do about it. */
  readonly hint?: string;
}

export interface Attestor {
  /** For log and metric. */
  readonly name: string;
  /** Never rejects. */
  attest(proof: string): Promise<AttestedSubject | AttestationRefusal>;
}
