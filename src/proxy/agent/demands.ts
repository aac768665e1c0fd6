/**
 * What this proxy has asked for by name: who waits for an answer, and what may be given up. Bounded in number; what is
 * not used for a while ends. "Unknown" is an answer like any other and lasts as long as its subscription does.
 */
import type { Clock, Timer } from "../../kernel/index.ts";
import type { DemandKind, PendingLookup } from "./agent.ts";

export interface DemandName {
  readonly kind: DemandKind;
  readonly key: string;
}

export interface DemandsOptions {
  readonly clock: Clock;
  readonly limit: number;
  /** How long an unused one is kept. Asked each time: it is part of the configuration. */
  readonly idleMs: () => number;
  /** The snapshot has an answer, be it "unknown". */
  readonly isKnown: (name: DemandName) => "known" | "unknown" | "unanswered";
  readonly onAdded: (name: DemandName) => void;
  readonly onEnded: (names: readonly DemandName[]) => void;
}

type Waiter = (outcome: "answered" | "unavailable") => void;

interface Demand extends DemandName {
  /** Of the monotonic clock: one that is set ahead has nobody idle. */
  lastUsedMs: number;
  /** Named by whoever configured the proxy: kept, used or not. */
  isDeclared: boolean;
  readonly waiters: Set<Waiter>;
}

/** At the limit this share is ended together, so that a program that dials everything does not cost a swap each time. */
const evictedShare = 1 / 16;
/** The sweep looks this often within the idle time. */
const sweepsPerIdleTime = 4;
const minSweepMs = 1_000;

export class Demands {
  readonly #options: DemandsOptions;
  readonly #demands: Readonly<Record<DemandKind, Map<string, Demand>>> = {
    Address: new Map(),
    Name: new Map(),
    Outbound: new Map(),
  };
  #sweep: Timer | undefined;

  constructor(options: DemandsOptions) {
    this.#options = options;
  }

  get size(): number {
    return this.#demands.Address.size + this.#demands.Name.size + this.#demands.Outbound.size;
  }

  keys(kind: DemandKind): string[] {
    return [...this.#demands[kind].keys()];
  }

  has(kind: DemandKind, key: string): boolean {
    return this.#demands[kind].has(key);
  }

  touch(kind: DemandKind, key: string): void {
    const demand = this.#demands[kind].get(key);
    if (demand !== undefined) demand.lastUsedMs = this.#nowMs();
  }

  /** False: the limit is reached and every one of them is being waited for. */
  use(name: DemandName): boolean {
    return this.#use(name) !== undefined;
  }

  /** Asked for from now on, so that its first use needs nobody; within the limit like the others. */
  declare(name: DemandName): void {
    const demand = this.#use(name);
    if (demand !== undefined) demand.isDeclared = true;
  }

  /** Calls back exactly once unless cancelled. "unavailable" at once where there is no room. */
  wait(name: DemandName, deadlineMs: number, callback: Waiter): PendingLookup | undefined {
    const demand = this.#use(name);
    if (demand === undefined) {
      callback("unavailable");
      return undefined;
    }
    const timer = this.#options.clock.deadline(deadlineMs, () => finish("unavailable"));
    const finish: Waiter = (outcome) => {
      if (!demand.waiters.delete(finish)) return;
      timer.cancel();
      callback(outcome);
    };
    demand.waiters.add(finish);
    return {
      cancel: () => {
        demand.waiters.delete(finish);
        timer.cancel();
      },
    };
  }

  /** The snapshot answers these now. */
  settle(names: Iterable<DemandName>): void {
    for (const { kind, key } of names) {
      const demand = this.#demands[kind].get(key);
      // A callback may wait anew for the same: only those that waited before are answered.
      for (const waiter of [...(demand?.waiters ?? [])]) waiter("answered");
    }
  }

  close(): void {
    this.#sweep?.cancel();
    this.#sweep = undefined;
    for (const table of Object.values(this.#demands)) {
      for (const demand of table.values()) for (const waiter of [...demand.waiters]) waiter("unavailable");
      table.clear();
    }
  }

  #use(name: DemandName): Demand | undefined {
    const { kind, key } = name;
    const nowMs = this.#nowMs();
    const existing = this.#demands[kind].get(key);
    if (existing !== undefined) {
      existing.lastUsedMs = nowMs;
      return existing;
    }
    if (this.size >= this.#options.limit && !this.#evict()) return undefined;
    const created: Demand = { kind, key, lastUsedMs: nowMs, isDeclared: false, waiters: new Set() };
    this.#demands[kind].set(key, created);
    this.#scheduleSweep();
    this.#options.onAdded({ kind, key });
    return created;
  }

  /** Those of which nothing is known to be there go first, then the ones unused for longest. */
  #evict(): boolean {
    const rank = (demand: Demand): number => (this.#options.isKnown(demand) === "known" ? 1 : 0);
    const candidates = [...this.#all()]
      .filter(isIdle)
      .map((demand) => ({ demand, rank: rank(demand) }))
      .toSorted((a, b) => a.rank - b.rank || a.demand.lastUsedMs - b.demand.lastUsedMs)
      .slice(0, Math.max(1, Math.floor(this.#options.limit * evictedShare)));
    this.#end(candidates.map(({ demand }) => demand));
    return candidates.length > 0;
  }

  #scheduleSweep(): void {
    if (this.#sweep !== undefined || this.size === 0) return;
    const delayMs = Math.max(minSweepMs, this.#options.idleMs() / sweepsPerIdleTime);
    this.#sweep = this.#options.clock.after(delayMs, () => {
      this.#sweep = undefined;
      const oldestMs = this.#nowMs() - this.#options.idleMs();
      this.#end([...this.#all()].filter((demand) => isIdle(demand) && demand.lastUsedMs <= oldestMs));
      this.#scheduleSweep();
    });
  }

  #end(ended: readonly Demand[]): void {
    if (ended.length === 0) return;
    for (const { kind, key } of ended) this.#demands[kind].delete(key);
    this.#options.onEnded(ended.map(({ kind, key }) => ({ kind, key })));
  }

  #nowMs(): number {
    return this.#options.clock.monotonicUs() / 1_000;
  }

  *#all(): Iterable<Demand> {
    for (const table of Object.values(this.#demands)) yield* table.values();
  }
}

function isIdle({ waiters, isDeclared }: Demand): boolean {
  return waiters.size === 0 && !isDeclared;
}
