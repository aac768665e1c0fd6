/** What is found out about a policy at one of its targets, before it is put into words for its status. */
import type { Spot } from "./aimed-policies.ts";
import type { RawPlace } from "./target-problems.ts";

/** What there is to say of a policy at one target. */
export interface Findings {
  /** What holds, and with what else. */
  readonly notes: readonly string[];
  /** What of it has no effect. */
  readonly lost: readonly string[];
  /** Nothing of it has. */
  readonly isAllLost: boolean;
  /** Undefined: it refers to nothing. */
  readonly references: { readonly reason: string; readonly problems: readonly string[] } | undefined;
}

/** A target, or the workloads that a selector chooses. */
export interface AimedAt {
  readonly farther: readonly Spot[];
  /** Undefined: chosen by labels. */
  readonly own: Spot | undefined;
  readonly raw: readonly RawPlace[];
}
