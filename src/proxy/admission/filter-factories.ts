/** The filters that there are. STAND-INS until theirs are merged: they let nothing in. */
import type { FilterFactories } from "./admissions.ts";
import type { RequestFilter } from "./filter.ts";

function missing(name: string): RequestFilter {
  return {
    start: () => ({ reason: "internal", detail: `${name} is not built into this proxy`, source: undefined }),
    cancel() {},
  };
}

export const filterFactories: FilterFactories = {
  jwt: () => missing("authentication by token"),
  external: () => missing("external authorization"),
  rateLimits: () => missing("rate limiting"),
};
