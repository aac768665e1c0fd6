/**
 * The order in which a mesh changes its root, as data: which roots are trusted in each phase, beneath which one is issued,
 * and what may follow. Knows neither files nor proxies.
 *
 *   trust --all trust both--> issue --all have a certificate of the new root--> retire --all forgot the old root--> done
 *     |                         |                                                 |
 *     | abort                   | abort                                     abort |
 *     v                         v                                                 v
 *   withdraw <--all back--    return        <--all trust both again--         retrust
 *     '--all forgot the new root--> aborted
 */

export type RotationPhase = "trust" | "issue" | "retire" | "retrust" | "return" | "withdraw";
export type RotationOutcome = "done" | "aborted";

/** Roots by their fingerprints: SHA-256 in lower-case hex. */
export interface Rotation {
  readonly from: string;
  readonly to: string;
  readonly phase: RotationPhase;
  readonly startedMs: number;
  readonly phaseStartedMs: number;
  /** When this phase is over, the next one waits to be told. */
  readonly pauseAfter: RotationPhase | undefined;
  readonly isPaused: boolean;
  /** So long after a phase began, proxies that are away are not waited for. Undefined: for as long as it takes. */
  readonly forceAfterMs: number | undefined;
  /** The old root was not trusted any more when this was aborted. */
  readonly wasRetired: boolean;
}

export interface TrustPlan {
  readonly trusted: readonly string[];
  /** Beneath which workloads' certificates are issued. */
  readonly issuing: string;
  /** Beneath which the control plane shows its own: whoever is about to join may know only the older one. */
  readonly serving: string;
}

export function trustPlan({ phase, from, to, wasRetired }: Rotation): TrustPlan {
  switch (phase) {
    case "trust":
      return { trusted: [from, to], issuing: from, serving: from };
    case "issue":
      return { trusted: [from, to], issuing: to, serving: from };
    case "retire":
      return { trusted: [to], issuing: to, serving: to };
    case "retrust":
      return { trusted: [from, to], issuing: to, serving: to };
    case "return":
      return { trusted: [from, to], issuing: from, serving: wasRetired ? to : from };
    case "withdraw":
      return { trusted: [from], issuing: from, serving: from };
  }
}

const followers: Record<RotationPhase, RotationPhase | RotationOutcome> = {
  trust: "issue",
  issue: "retire",
  retire: "done",
  retrust: "return",
  return: "withdraw",
  withdraw: "aborted",
};

const wayBack: Partial<Record<RotationPhase, RotationPhase>> = {
  trust: "withdraw",
  issue: "return",
  retire: "retrust",
};

/** What comes when the phase is over. */
export function followingPhase(phase: RotationPhase): RotationPhase | RotationOutcome {
  return followers[phase];
}

/** Undefined: it is on its way back already. */
export function phaseOfAbort(phase: RotationPhase): RotationPhase | undefined {
  return wayBack[phase];
}

/** The phase is over when every proxy has a certificate of the issuing root; else when every proxy knows the trusted ones. */
export function movesCertificates(phase: RotationPhase): boolean {
  return phase === "issue" || phase === "return";
}

export function isGoingBack(phase: RotationPhase): boolean {
  return wayBack[phase] === undefined;
}
