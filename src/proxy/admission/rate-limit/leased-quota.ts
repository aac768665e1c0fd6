/**
 * One tuple's tokens of a limit that is kept elsewhere. A lease is used up here without a question; the next is asked for
 * before the last token is gone, in a size that follows the demand. Where there is none to be had, that is known for a
 * moment and not asked again. While the store is away, a bucket of the whole limit stands in.
 */
import { TokenBucket, type TokenRate } from "../../../decide/admission/index.ts";
import type { LeaseGrant, LeaseSource } from "./leases.ts";
import type { Quota, Take } from "./quota.ts";

/** A lease shall last so long: at 50 requests a second, one question for 25 decisions. */
const horizonUs = 500_000;
/** What is unused by then is given back. A lease asked for ahead of time prolongs the rest of the one before once. */
const leaseLifeUs = 1_000_000;
/** Of one lease, whatever the demand. */
const maxLease = 10_000;
/** The next lease is asked for when this share of the last is left. */
const refillShare = 4;
/** A proxy that did not get all that it asked for asks again after so many requests, */
const requestsBetweenAsks = 40;
/** but not later than this, and not while a quarter of the bucket fills, so that nothing overflows unused. */
const maxDryUs = 250_000;
/** What is told to be empty for longer may have been filled by hand, flushed, or given back. */
const longestDryUs = 1_000_000;
/** A few requests within less are no demand to go by. */
const shortestSpanUs = 10_000;
/** Requests that wait for one answer; more are decided by the bucket that stands in. */
const maxWaiting = 1_024;

export interface LeaseKeeper {
  readonly source: LeaseSource;
  readonly nowUs: () => number;
  /** Share the limit while the store is away. */
  readonly processes: number;
  /** It holds tokens that must be given back some time. */
  onHolding(quota: LeasedQuota): void;
  /** A request was decided without the store. */
  onStandIn(): void;
}

interface Waiter {
  answer: ((take: Take) => void) | undefined;
}

export class LeasedQuota implements Quota {
  readonly rate: TokenRate;
  readonly #key: string;
  readonly #keeper: LeaseKeeper;
  #tokens = 0;
  #expiresUs = 0;
  /** Of the last lease. */
  #size = 0;
  /** The largest lease that is asked for next: doubled as long as the demand is there. */
  #reach = 0;
  /** As the store said at last. */
  #remaining: number;
  #dryUntilUs = 0;
  #isAsking = false;
  #waiting: Waiter[] = [];
  /** Requests since the last answer. */
  #demand = 0;
  #sinceUs: number;
  #standIn: TokenBucket | undefined = undefined;

  constructor(key: string, rate: TokenRate, keeper: LeaseKeeper) {
    this.#key = key;
    this.rate = rate;
    this.#keeper = keeper;
    this.#remaining = rate.burst;
    this.#sinceUs = keeper.nowUs();
  }

  take(nowUs: number): Take | "unknown" {
    this.#demand++;
    if (this.#tokens > 0 && nowUs < this.#expiresUs) {
      this.#tokens--;
      if (this.#tokens * refillShare <= this.#size) this.#refill(nowUs);
      return "taken";
    }
    if (!this.#keeper.source.isUp || this.#waiting.length >= maxWaiting) return this.#takeLocally(nowUs);
    return nowUs < this.#dryUntilUs ? "empty" : "unknown";
  }

  ask(answer: (take: Take) => void): () => void {
    const waiter: Waiter = { answer };
    this.#waiting.push(waiter);
    if (!this.#isAsking) this.#acquire(this.#keeper.nowUs());
    return () => {
      waiter.answer = undefined;
    };
  }

  giveBack(take: Take): void {
    if (take === "taken_locally") this.#standIn?.giveBack();
    if (take !== "taken") return;
    this.#tokens++;
    this.#keeper.onHolding(this);
  }

  remaining(nowUs: number): number {
    if (!this.#keeper.source.isUp) return this.#standIn?.remaining(nowUs) ?? this.rate.burst;
    return Math.min(this.rate.burst, this.#remaining + this.#tokens);
  }

  waitUs(nowUs: number): number {
    if (!this.#keeper.source.isUp) return this.#standIn?.waitUs(nowUs) ?? 0;
    return this.#tokens > 0 ? 0 : Math.max(0, this.#dryUntilUs - nowUs);
  }

  fullUs(nowUs: number): number {
    if (!this.#keeper.source.isUp) return this.#standIn?.fullUs(nowUs) ?? 0;
    const missing = this.rate.burst - this.remaining(nowUs);
    return Math.max(this.waitUs(nowUs), this.rate.usFor(missing * this.rate.partsPerToken));
  }

  /** Gives an unused lease back. True: nothing is held any more. */
  sweep(nowUs: number): boolean {
    if (this.#tokens > 0 && nowUs >= this.#expiresUs) this.release();
    return this.#tokens === 0;
  }

  /** Gives everything back. */
  release(): void {
    const back = this.#tokens;
    this.#tokens = 0;
    this.#size = 0;
    if (back === 0 || !this.#keeper.source.isUp) return;
    const request = { key: this.#key, rate: this.rate, need: 0, wish: 0, back };
    this.#keeper.source.acquire(request, () => {});
  }

  /** Ahead of need. */
  #refill(nowUs: number): void {
    if (this.#isAsking || nowUs < this.#dryUntilUs || !this.#keeper.source.isUp) return;
    if (this.#wish(nowUs) > 0) this.#acquire(nowUs);
  }

  #demandPerUs(nowUs: number): number {
    return this.#demand / Math.max(shortestSpanUs, nowUs - this.#sinceUs);
  }

  #wish(nowUs: number): number {
    const forHorizon = Math.floor(this.#demandPerUs(nowUs) * horizonUs);
    return Math.max(0, Math.min(forHorizon, this.#reach, maxLease) - this.#tokens);
  }

  #acquire(nowUs: number): void {
    this.#isAsking = true;
    const isExpired = this.#tokens > 0 && nowUs >= this.#expiresUs;
    const back = isExpired ? this.#tokens : 0;
    if (isExpired) this.#tokens = 0;
    const need = this.#waiting.length;
    const wish = this.#wish(nowUs);
    this.#reach = Math.max(1, 2 * wish);
    const request = { key: this.#key, rate: this.rate, need, wish, back };
    this.#keeper.source.acquire(request, (grant) => {
      this.#isAsking = false;
      if (grant === undefined) this.#onAway();
      else this.#onGrant(grant, need, wish);
    });
  }

  #onGrant(grant: LeaseGrant, need: number, wish: number): void {
    const nowUs = this.#keeper.nowUs();
    const demandPerUs = this.#demandPerUs(nowUs);
    this.#demand = 0;
    this.#sinceUs = nowUs;
    this.#remaining = grant.remaining;
    this.#tokens += grant.tokens;
    if (grant.tokens > 0) {
      this.#expiresUs = nowUs + leaseLifeUs;
      this.#keeper.onHolding(this);
    }
    this.#size = Math.max(grant.tokens - need, 0);
    if (grant.tokens < need + wish) this.#dryUntilUs = nowUs + this.#dryUs(grant, demandPerUs);
    this.#serve(nowUs);
  }

  #dryUs({ waitUs }: LeaseGrant, demandPerUs: number): number {
    const paced = Math.min(requestsBetweenAsks / demandPerUs, maxDryUs, this.rate.fillUs / 4);
    return Math.min(Math.max(waitUs, paced), longestDryUs);
  }

  /** In the order in which they came. Who came while the question was under way is answered with it as far as it goes. */
  #serve(nowUs: number): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const [index, waiter] of waiting.entries()) {
      const { answer } = waiter;
      if (answer === undefined) continue;
      if (this.#tokens > 0) {
        this.#tokens--;
        answer("taken");
      } else if (nowUs < this.#dryUntilUs) {
        answer("empty");
      } else {
        this.#waiting.push(...waiting.slice(index), ...this.#waiting.splice(0));
        break;
      }
    }
    if (this.#waiting.length > 0 && !this.#isAsking) this.#acquire(nowUs);
  }

  #onAway(): void {
    const nowUs = this.#keeper.nowUs();
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const { answer } of waiting) answer?.(this.#takeLocally(nowUs));
  }

  #takeLocally(nowUs: number): Take {
    this.#keeper.onStandIn();
    this.#standIn ??= new TokenBucket(this.rate.sharedBy(this.#keeper.processes), nowUs);
    return this.#standIn.take(nowUs) ? "taken_locally" : "empty";
  }
}
