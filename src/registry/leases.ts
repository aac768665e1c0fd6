/**
 * Who counts as alive. A workload's lease does not run while it has a stream open; it starts when the last one ends.
 *
 *   held --last stream ends--> running --(time is up)--> lost --(a stream opens, it registers)--> held | running
 *
 * When very many would be lost together, the control plane is more likely cut off than they are dead: then nobody is
 * lost until enough of them are back (or have left), and the log says so.
 */
import type { Clock, Log, Timer } from "../kernel/index.ts";

export interface LeasesOptions {
  readonly clock: Clock;
  readonly log: Log;
  readonly leaseMs: number;
  /** Called with the paths whose `isLost` or `isConnected` changed, from timers and from the calls below. */
  readonly onChange: (paths: readonly string[]) => void;
  /** Called with those that have been lost for so long that they may be forgotten. */
  readonly onForgotten: (paths: readonly string[]) => void;
}

interface Lease {
  streams: number;
  /** When it is lost (running) or may be forgotten (lost). Means nothing while streams are open. */
  deadlineMs: number;
  isLost: boolean;
}

/** Share of workloads without a stream above which nobody is lost any more. */
const freezeShare = 0.3;
/** Up to this many may be lost whatever their share: in a mesh of five, one is not a sign of anything. */
const alwaysExpirable = 3;
/** Long enough to be looked at in `weft status`, short enough that crashed names do not pile up. */
const forgetAfterMs = 600_000;

export class Leases {
  readonly #options: LeasesOptions;
  readonly #leases = new Map<string, Lease>();
  #leaseMs: number;
  #timer: Timer | undefined;
  #timerDueMs = Number.POSITIVE_INFINITY;
  #isFrozen = false;
  /** While frozen: how many must come back or leave before it is worth counting all of them again. */
  #untilThaw = 0;
  #heldUntilMs = 0;

  constructor(options: LeasesOptions) {
    this.#options = options;
    this.#leaseMs = options.leaseMs;
  }

  get leaseMs(): number {
    return this.#leaseMs;
  }

  /** Expiry is held back because too many would be lost at once. */
  get isFrozen(): boolean {
    return this.#isFrozen;
  }

  /** Holds for leases that start from now on. */
  setLeaseMs(leaseMs: number): void {
    this.#leaseMs = leaseMs;
  }

  /** Proxies are being turned away, so their silence means nothing: for one lease from now nobody is lost. */
  hold(): void {
    this.#heldUntilMs = this.#options.clock.nowMs() + this.#leaseMs;
  }

  isLost(path: string): boolean {
    return this.#leases.get(path)?.isLost ?? true;
  }

  /** It is alive, or was lost a short while ago. */
  isKnown(path: string): boolean {
    return this.#leases.has(path);
  }

  isConnected(path: string): boolean {
    return (this.#leases.get(path)?.streams ?? 0) > 0;
  }

  /** When it is lost unless it comes back; undefined while it is connected or lost. */
  deadlineMs(path: string): number | undefined {
    const lease = this.#leases.get(path);
    return lease === undefined || lease.streams > 0 || lease.isLost ? undefined : lease.deadlineMs;
  }

  /** It gave a sign of life: one lease from now at least. */
  renew(path: string): void {
    const lease = this.#leaseOf(path);
    const wasLost = lease.isLost;
    lease.isLost = false;
    lease.deadlineMs = this.#options.clock.nowMs() + this.#leaseMs;
    this.#schedule(lease.deadlineMs);
    if (wasLost) this.#options.onChange([path]);
  }

  /** Found in the store at start. Nobody is told: what can be seen of it has not changed. */
  adopt(path: string, isLost: boolean): void {
    const lease = this.#leaseOf(path);
    if (lease.streams > 0 || !lease.isLost) return;
    lease.isLost = isLost;
    if (!isLost) lease.deadlineMs = this.#options.clock.nowMs() + this.#leaseMs;
    this.#schedule(lease.deadlineMs);
  }

  connected(path: string): void {
    const lease = this.#leaseOf(path);
    lease.streams++;
    if (lease.streams > 1 && !lease.isLost) return;
    lease.isLost = false;
    this.#oneLessMissing();
    this.#options.onChange([path]);
  }

  /** A proxy that reconnects may open its new stream before the old one's end is noticed: only the last one counts. */
  disconnected(path: string): void {
    const lease = this.#leases.get(path);
    if (lease === undefined || lease.streams === 0) return;
    lease.streams--;
    if (lease.streams > 0) return;
    lease.deadlineMs = this.#options.clock.nowMs() + this.#leaseMs;
    this.#schedule(lease.deadlineMs);
    this.#options.onChange([path]);
  }

  /** It left, or its object was deleted. Streams that are still open keep the entry. */
  forget(path: string): void {
    const lease = this.#leases.get(path);
    if (lease === undefined) return;
    if (lease.streams === 0) this.#leases.delete(path);
    else lease.isLost = true;
    this.#oneLessMissing();
  }

  close(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  #leaseOf(path: string): Lease {
    const existing = this.#leases.get(path);
    if (existing !== undefined) return existing;
    const created = { streams: 0, deadlineMs: this.#options.clock.nowMs() + forgetAfterMs, isLost: true };
    this.#leases.set(path, created);
    return created;
  }

  #schedule(dueMs: number): void {
    if (dueMs >= this.#timerDueMs) return;
    this.#timer?.cancel();
    this.#timerDueMs = dueMs;
    this.#timer = this.#options.clock.after(Math.max(0, dueMs - this.#options.clock.nowMs()), () => {
      this.#timerDueMs = Number.POSITIVE_INFINITY;
      this.#expire();
    });
  }

  #oneLessMissing(): void {
    if (!this.#isFrozen) return;
    this.#untilThaw--;
    if (this.#untilThaw <= 0) this.#schedule(this.#options.clock.nowMs());
  }

  #expire(): void {
    const nowMs = this.#options.clock.nowMs();
    const due: string[] = [];
    const forgotten: string[] = [];
    let alive = 0;
    let missing = 0;
    let nextMs = Number.POSITIVE_INFINITY;
    for (const [path, lease] of this.#leases) {
      if (!lease.isLost) alive++;
      if (lease.streams > 0) continue;
      if (!lease.isLost) missing++;
      if (lease.deadlineMs > nowMs) nextMs = Math.min(nextMs, lease.deadlineMs);
      else (lease.isLost ? forgotten : due).push(path);
    }
    this.#setFrozen(
      due.length > 0 && missing > alwaysExpirable && missing > alive * freezeShare,
      missing,
      alive,
    );
    this.#untilThaw = Math.floor(missing - Math.max(alwaysExpirable, alive * freezeShare));
    const isHeld = nowMs < this.#heldUntilMs;
    if (this.#isFrozen || isHeld) nextMs = Math.min(nextMs, nowMs + this.#leaseMs);
    else this.#lose(due, nowMs);
    for (const path of forgotten) this.#leases.delete(path);
    if (due.length > 0 && !this.#isFrozen && !isHeld) nextMs = Math.min(nextMs, nowMs + forgetAfterMs);
    if (nextMs < Number.POSITIVE_INFINITY) this.#schedule(nextMs);
    if (forgotten.length > 0) this.#options.onForgotten(forgotten);
  }

  #lose(due: readonly string[], nowMs: number): void {
    if (due.length === 0) return;
    for (const path of due) {
      const lease = this.#leaseOf(path);
      lease.isLost = true;
      lease.deadlineMs = nowMs + forgetAfterMs;
    }
    this.#options.onChange(due);
  }

  #setFrozen(isFrozen: boolean, missing: number, alive: number): void {
    if (isFrozen === this.#isFrozen) return;
    this.#isFrozen = isFrozen;
    if (isFrozen) {
      this.#options.log.warn(
        "too many workloads went silent at once; they stay endpoints until they come back or leave",
        { missing, alive },
      );
    } else {
      this.#options.log.info("workloads are back; leases run out again", { missing, alive });
    }
  }
}
