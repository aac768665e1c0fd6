/** A limit as a proxy uses it: which requests it counts, into which bucket, at which rate. Prepared once for each configuration. */
import { fitsTextPattern, parseTextPattern } from "../../kernel/index.ts";
import type { RateLimit, RateLimitOverride } from "../../model/index.ts";
import type { TrustDomains } from "./caller-view.ts";
import { type RateSettings, TokenRate } from "./rate-bucket.ts";
import { RateKeys } from "./rate-keys.ts";
import { RateMatches } from "./rate-matches.ts";
import type { AdmissionRequest } from "./request.ts";

export class RatePlan {
  readonly limit: RateLimit;
  readonly keys: RateKeys;
  readonly #matches: RateMatches | undefined;
  readonly #rate: TokenRate;
  readonly #overrides: readonly PreparedOverride[];

  /** `processes`: see `TokenRate`. */
  constructor(limit: RateLimit, mesh: TrustDomains, processes: number) {
    this.limit = limit;
    this.keys = new RateKeys(limit.keys);
    this.#matches = limit.matches.length === 0 ? undefined : new RateMatches(limit.matches, mesh);
    this.#rate = new TokenRate(limit, processes);
    this.#overrides = limit.overrides.map((override) => prepareOverride(override, processes));
  }

  /** The bucket's name. Undefined: the request is not counted. */
  bucketId(request: AdmissionRequest): string | undefined {
    if (this.#matches?.isAny(request) === false) return undefined;
    return this.keys.id(request);
  }

  /** Of the bucket with these values. Undefined: it has no limit. */
  rateOf(values: readonly string[]): TokenRate | undefined {
    for (const override of this.#overrides) if (override.isFor(values)) return override.rate;
    return this.#rate;
  }
}

interface PreparedOverride {
  /** Undefined: unlimited. */
  readonly rate: TokenRate | undefined;
  isFor(values: readonly string[]): boolean;
}

function prepareOverride(override: RateLimitOverride, processes: number): PreparedOverride {
  const patterns = override.values.map(parseTextPattern);
  const settings: RateSettings = override;
  return {
    rate: override.isUnlimited ? undefined : new TokenRate(settings, processes),
    // What is no pattern fits nothing.
    isFor: (values) =>
      patterns.every(
        (pattern, index) => pattern !== undefined && fitsTextPattern(pattern, values[index] ?? ""),
      ),
  };
}
