/** A limit that this process keeps by itself: a bucket for each tuple, in a bounded table. */
import { type RatePlan, TokenBucket, type TokenRate } from "../../../decide/admission/index.ts";
import type { AdmissionRequest } from "../../../decide/index.ts";
import { BucketTable } from "./bucket-table.ts";
import { bucketBound, type Quota, type QuotaKeeper, type Take } from "./quota.ts";

export class LocalLimit implements QuotaKeeper {
  readonly #plan: RatePlan;
  readonly #quotas: BucketTable<LocalQuota | typeof unlimited>;

  constructor(plan: RatePlan, onEvicted: () => void) {
    this.#plan = plan;
    this.#quotas = new BucketTable(bucketBound(plan.limit.maxBuckets), onEvicted);
  }

  quotaOf(request: AdmissionRequest, nowUs: number): Quota | undefined {
    const id = this.#plan.bucketId(request);
    if (id === undefined) return undefined;
    const quota = this.#quotas.get(id) ?? this.#add(id, request, nowUs);
    return quota === unlimited ? undefined : quota;
  }

  close(): void {}

  #add(id: string, request: AdmissionRequest, nowUs: number): LocalQuota | typeof unlimited {
    const rate = this.#plan.rateOf(this.#plan.keys.values(request));
    const quota = rate === undefined ? unlimited : new LocalQuota(rate, nowUs);
    this.#quotas.add(id, quota);
    return quota;
  }
}

const unlimited = "unlimited";

class LocalQuota implements Quota {
  readonly rate: TokenRate;
  readonly #bucket: TokenBucket;

  constructor(rate: TokenRate, nowUs: number) {
    this.rate = rate;
    this.#bucket = new TokenBucket(rate, nowUs);
  }

  take(nowUs: number): Take {
    return this.#bucket.take(nowUs) ? "taken" : "empty";
  }

  /** Never needed: `take` knows. */
  ask(answer: (take: Take) => void): () => void {
    answer("empty");
    return () => {};
  }

  giveBack(): void {
    this.#bucket.giveBack();
  }

  remaining(nowUs: number): number {
    return this.#bucket.remaining(nowUs);
  }

  waitUs(nowUs: number): number {
    return this.#bucket.waitUs(nowUs);
  }

  fullUs(nowUs: number): number {
    return this.#bucket.fullUs(nowUs);
  }
}
