/** What there is to say of a RateLimitPolicy at a target. */
import type { InputReader } from "../inputs.ts";
import { referrerOf, sharedStore } from "./admission.ts";
import { resolveAsked } from "./asked-services.ts";
import { prepareRateLimit } from "./rate-limits.ts";
import type { RateLimitInput } from "./security-input.ts";
import type { AimedAt, Findings } from "./findings.ts";

export function rateLimitFindings(inputs: InputReader, policy: RateLimitInput, { raw }: AimedAt): Findings {
  const prepared = prepareRateLimit(policy);
  const limits = "value" in prepared ? prepared.value.limits : [];
  const places = raw.filter(({ isDatagrams }) => !isDatagrams).map(({ name }) => name);
  const uncounted = limits
    .filter(({ needsHttp }) => needsHttp)
    .map(({ content }) => content.source?.section ?? "");
  return {
    notes:
      places.length === 0 || uncounted.length === 0
        ? []
        : [`${uncounted.join(", ")} counts nothing at ${places.join(", ")}, where no HTTP is read`],
    lost: [],
    isAllLost: false,
    references: referencesOf(inputs, policy),
  };
}

function referencesOf(inputs: InputReader, policy: RateLimitInput): Findings["references"] {
  const { limits, service } = policy.spec;
  const isShared = limits.some(({ scope }) => scope === "Global");
  if (!isShared && service === undefined) return undefined;
  const problems: string[] = [];
  if (service !== undefined) {
    const asked = resolveAsked(inputs, referrerOf(policy), service.backendRef);
    if ("unresolved" in asked) problems.push(`spec.service.backendRef: ${asked.unresolved}`);
  }
  const store = isShared ? sharedStore(inputs).unresolved : undefined;
  if (store !== undefined) problems.push(`limits of scope Global are local: ${store}`);
  return { reason: "BackendNotFound", problems };
}
