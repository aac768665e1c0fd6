/** Who waits in a worker for what its parent asks the mesh for, and what was used, told to the parent now and then. */
import { type Clock, errorLine, type Log } from "../../kernel/index.ts";
import type { DemandKind, PendingLookup } from "./agent.ts";
import type { DemandName } from "./demands.ts";
import type { ParentLink } from "./parent-link.ts";
import type { ResourceName } from "./supplied-change.ts";

type Waiter = (outcome: "answered" | "unavailable") => void;

interface Asked {
  /** Until when the parent was asked to wait, by this process's clock. */
  untilMs: number;
  readonly waiters: Set<Waiter>;
}

export interface WorkerLookupsOptions {
  readonly link: ParentLink;
  readonly clock: Clock;
  readonly log: Log;
}

/** As many as the parent follows, with room for those that it has just given up; more are told at once. */
const maxTouched = 8_192;

export class WorkerLookups {
  readonly #options: WorkerLookupsOptions;
  /** Each entry has a waiter, so there are no more than connections that wait. */
  readonly #asked = new Map<string, Asked>();
  readonly #touched: Readonly<Record<DemandKind, Set<string>>> = {
    Address: new Set(),
    Name: new Set(),
    Outbound: new Set(),
  };
  #isClosed = false;

  constructor(options: WorkerLookupsOptions) {
    this.#options = options;
  }

  /** Calls back exactly once unless cancelled. */
  wait(
    { kind, key, deadlineMs }: DemandName & { readonly deadlineMs: number },
    callback: Waiter,
  ): PendingLookup | undefined {
    if (this.#isClosed) {
      callback("unavailable");
      return undefined;
    }
    const { clock, link, log } = this.#options;
    const id = `${kind} ${key}`;
    const asked = this.#asked.get(id) ?? { untilMs: 0, waiters: new Set() };
    this.#asked.set(id, asked);
    const finish: Waiter = (outcome) => {
      if (!remove()) return;
      try {
        callback(outcome);
      } catch (error) {
        // It runs inside of ours: a defect of one must not keep the others from being answered.
        log.error("a lookup's callback failed", { key, error: errorLine(error) });
      }
    };
    const timer = clock.deadline(deadlineMs, () => finish("unavailable"));
    const remove = (): boolean => {
      timer.cancel();
      const wasThere = asked.waiters.delete(finish);
      if (asked.waiters.size === 0 && this.#asked.get(id) === asked) this.#asked.delete(id);
      return wasThere;
    };
    asked.waiters.add(finish);
    // The parent holds on to what is waited for there: it is asked again by whoever waits longer.
    const untilMs = clock.nowMs() + deadlineMs;
    if (untilMs > asked.untilMs) {
      asked.untilMs = untilMs;
      link.lookup({ kind, key, deadlineMs });
    }
    return { cancel: () => void remove() };
  }

  /** The snapshot answers these now. */
  settle(names: readonly ResourceName[]): void {
    for (const { kind, name } of names) this.#finish(`${kind} ${name}`, "answered");
  }

  refuse({ kind, key }: DemandName): void {
    this.#finish(`${kind} ${key}`, "unavailable");
  }

  touch({ kind, key }: DemandName): void {
    const keys = this.#touched[kind];
    keys.add(key);
    if (keys.size >= maxTouched) this.flushTouches();
  }

  flushTouches(): void {
    const names: DemandName[] = [];
    for (const kind of ["Address", "Name", "Outbound"] as const) {
      for (const key of this.#touched[kind]) names.push({ kind, key });
      this.#touched[kind].clear();
    }
    if (names.length > 0) this.#options.link.touched(names);
  }

  /** Whoever waits is told "unavailable". */
  close(): void {
    this.#isClosed = true;
    for (const id of [...this.#asked.keys()]) this.#finish(id, "unavailable");
  }

  #finish(id: string, outcome: "answered" | "unavailable"): void {
    // A callback may wait anew for the same: only those that waited before are answered.
    for (const waiter of [...(this.#asked.get(id)?.waiters ?? [])]) waiter(outcome);
  }
}
