/** What a fault of the suite is, and when it explains that a request failed. */
import type { ChaosMesh, Workload } from "./chaos-mesh.ts";
import type { Denials } from "./denials.ts";
import type { Ledger } from "./ledger.ts";
import type { Answer } from "./traffic.ts";

export interface Chaos {
  readonly mesh: ChaosMesh;
  readonly ledger: Ledger;
  readonly denials: Denials;
  /** Of this fault alone: what it hits hangs on the seed, the round and its name, and on no other fault. */
  readonly random: () => number;
}

export interface Fault {
  readonly name: string;
  /** How long it lasts once it has begun. */
  readonly lastsMs: number;
  /**
   * What heals it is left in `healing`, step by step before the harm is done: a fault that fails half way is healed too.
   * All steps have ended when what was broken runs again.
   */
  begin(chaos: Chaos, healing: AsyncDisposableStack): Promise<Effect>;
}

export interface Effect {
  /** What it hit, for the report. */
  readonly hit: string;
  /** Whether the failure of a request follows from the fault. Absent: none does. */
  explains?(answer: Answer): boolean;
}

/** What passes on one busy machine until everybody has seen a connection end. */
const seenDeadMs = 500;

export function one<T>(items: readonly T[], random: () => number): T {
  const item = items[Math.floor(random() * items.length)];
  if (item === undefined) throw new Error("there is nothing to choose from");
  return item;
}

/** A time in which a fault touches what it hit; begins now. */
export class Span {
  readonly #fromMs = performance.now();
  #toMs = Infinity;

  /** Of one moment: a process dies. */
  static moment(): Span {
    const span = new Span();
    span.#toMs = span.#fromMs + seenDeadMs;
    return span;
  }

  /** Whoever noticed last has noticed. */
  end(): void {
    this.#toMs = Math.min(this.#toMs, performance.now() + seenDeadMs);
  }

  /** Some of the request's time was within. */
  covers({ beginMs, endMs }: Answer): boolean {
    return endMs >= this.#fromMs && beginMs <= this.#toMs;
  }
}

/** What its own program asked it for meanwhile. */
export function askedOf(workload: Workload, span: Span): (answer: Answer) => boolean {
  return (answer) => answer.caller === workload.place.name && span.covers(answer);
}

/**
 * What was under way to its service when it broke off may be lost, since nobody can know whether it was done; what comes
 * after that is for its neighbours of the same service, and excused by nothing.
 */
export function brokenOffAt(workload: Workload, span: Span): (answer: Answer) => boolean {
  return (answer) => answer.target === workload.place.service && answer.status === 502 && span.covers(answer);
}
