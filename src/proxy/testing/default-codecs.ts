/** For pools and dialers in tests: what a proxy without a configuration takes from its endpoints. */
import { CurrentLimits } from "../serve/limits.ts";
import type { CodecLimitsSource } from "../upstream/codec-limits.ts";

export function defaultCodecs(): CodecLimitsSource {
  const limits = new CurrentLimits(() => undefined);
  return { current: () => limits.get(), onReached() {} };
}
