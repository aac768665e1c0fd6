/** What a worker's agent says to its parent; all of it arrives in order. */
import type { DemandName } from "./demands.ts";

export interface AgentLookup extends DemandName {
  readonly deadlineMs: number;
}

export interface ParentLink {
  lookup(lookup: AgentLookup): void;
  prefetch(ip: string): void;
  /** These were used. */
  touched(names: readonly DemandName[]): void;
  /** A telemetry report, encoded. */
  report(bytes: Uint8Array): void;
  /** A `TapUpload`, encoded; empty: what is to be tapped is not known yet. */
  tapped(bytes: Uint8Array): void;
}
