/** What leaves one proxy for the next: over which hop, to whom, with which head. */
import type { Claims } from "../decide/index.ts";
import type { Endpoint } from "../model/index.ts";
import type { HopDraft } from "./hop-draft.ts";
import type { SimulatedHead } from "./simulated-head.ts";

export interface Onward {
  /** Those that the balancer may choose; never empty. */
  readonly endpoints: readonly Endpoint[];
  /** "namespace/name" of the service whose cluster it is; empty: a workload was dialled. */
  readonly service: string;
  /** Undefined: bytes. */
  readonly head: SimulatedHead | undefined;
  /** Given in the place of a token; undefined: none. */
  readonly claims: Claims | undefined;
  /** Of the proxy that sends. */
  readonly identity: string;
  /** From which it dials, canonical text; empty: not known. */
  readonly address: string;
}

export interface Step {
  readonly hop: HopDraft;
  /** Undefined: the hop's outcome is the end. Else it goes on, for certain or where the hop's outcome is unknown perhaps. */
  readonly onward: Onward | undefined;
}
