/** A limit that all proxies share: its tokens are leased, and what is unused of leases goes back. */
import { createHash } from "node:crypto";
import type { RatePlan, TokenRate } from "../../../decide/admission/index.ts";
import type { AdmissionRequest } from "../../../decide/index.ts";
import type { Clock, Timer } from "../../../kernel/index.ts";
import { BucketTable } from "./bucket-table.ts";
import { LeasedQuota, type LeaseKeeper } from "./leased-quota.ts";
import type { LeaseSource } from "./leases.ts";
import { bucketBound, type Quota, type QuotaKeeper } from "./quota.ts";

/** Leases that have ended go back this late at most. */
const sweepMs = 250;

export interface SharedLimitOptions {
  readonly plan: RatePlan;
  readonly source: LeaseSource;
  readonly clock: Clock;
  readonly processes: number;
  readonly onEvicted: () => void;
  readonly onStandIn: () => void;
}

export class SharedLimit implements QuotaKeeper {
  readonly #options: SharedLimitOptions;
  readonly #quotas: BucketTable<LeasedQuota | typeof unlimited>;
  readonly #keeper: LeaseKeeper;
  readonly #holding = new Set<LeasedQuota>();
  #timer: Timer | undefined = undefined;
  #isClosed = false;

  constructor(options: SharedLimitOptions) {
    const { plan, source, clock, processes, onEvicted, onStandIn } = options;
    this.#options = options;
    this.#quotas = new BucketTable(bucketBound(plan.limit.maxBuckets), (quota) => {
      onEvicted();
      if (quota !== unlimited) quota.release();
    });
    this.#keeper = {
      source,
      processes,
      nowUs: () => clock.monotonicUs(),
      onHolding: (quota) => this.#hold(quota),
      onStandIn,
    };
  }

  quotaOf(request: AdmissionRequest): Quota | undefined {
    const { plan } = this.#options;
    const id = plan.bucketId(request);
    if (id === undefined) return undefined;
    const quota = this.#quotas.get(id) ?? this.#add(id, request);
    return quota === unlimited ? undefined : quota;
  }

  close(): void {
    this.#isClosed = true;
    this.#timer?.cancel();
    for (const quota of this.#holding) quota.release();
    this.#holding.clear();
  }

  #add(id: string, request: AdmissionRequest): LeasedQuota | typeof unlimited {
    const { plan } = this.#options;
    const rate = plan.rateOf(plan.keys.values(request));
    const quota =
      rate === undefined ? unlimited : new LeasedQuota(sharedKey(plan, rate, id), rate, this.#keeper);
    this.#quotas.add(id, quota);
    return quota;
  }

  #hold(quota: LeasedQuota): void {
    if (this.#isClosed) {
      quota.release();
      return;
    }
    this.#holding.add(quota);
    this.#timer ??= this.#options.clock.after(sweepMs, () => this.#sweep());
  }

  #sweep(): void {
    this.#timer = undefined;
    const nowUs = this.#keeper.nowUs();
    for (const quota of this.#holding) if (quota.sweep(nowUs)) this.#holding.delete(quota);
    if (this.#holding.size > 0) this.#timer = this.#options.clock.after(sweepMs, () => this.#sweep());
  }
}

const unlimited = "unlimited";
const defaultPrefix = "weft:rl:";

/**
 * The same in every proxy with the same limit; another rate is another bucket. Values of keys may be tokens or names of
 * people, so only their digest is in the store.
 */
function sharedKey({ limit }: RatePlan, { requests, periodMs, burst }: TokenRate, id: string): string {
  const { namespace = "", name = "", section = "" } = limit.source ?? {};
  const digest = createHash("sha256").update(id).digest("base64url").slice(0, 22);
  const prefix = limit.store?.keyPrefix || defaultPrefix;
  return `${prefix}${namespace}/${name}/${section}:${requests}/${periodMs}/${burst}:${digest}`;
}

export function probeKey(prefix: string): string {
  return `${prefix || defaultPrefix}probe`;
}
