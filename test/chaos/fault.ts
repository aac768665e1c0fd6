/** What a fault of the suite is. */
import type { ChaosMesh, Workload } from "./chaos-mesh.ts";
import type { Ledger } from "./ledger.ts";
import type { Answer } from "./traffic.ts";

export interface Chaos {
  readonly mesh: ChaosMesh;
  readonly ledger: Ledger;
  readonly random: () => number;
}

export interface Fault {
  readonly name: string;
  /** How long it lasts once it has begun. */
  readonly lastsMs: number;
  /** Gives the way to heal it, which resolves when what was broken runs again. */
  begin(chaos: Chaos): Promise<Healing>;
}

export interface Healing {
  /** What it hit, for the report. */
  readonly hit: string;
  heal(): Promise<void>;
  /** Whether the failure of a request follows from the fault. Absent: none does. */
  explains?(answer: Answer): boolean;
}

export function one<T>(items: readonly T[], random: () => number): T {
  const item = items[Math.floor(random() * items.length)];
  if (item === undefined) throw new Error("there is nothing to choose from");
  return item;
}

/** A proxy's own answers to its own callers, and none of others. */
export function ofCaller(workload: Workload): (answer: Answer) => boolean {
  return ({ caller }) => caller === workload.place.name;
}

/** Those, and what its peers or it itself say of requests that it should have served. */
export function ofBothSides(workload: Workload): (answer: Answer) => boolean {
  return ({ caller, target, status }) =>
    caller === workload.place.name ||
    (target === workload.place.service && (status === 502 || status === 503));
}
