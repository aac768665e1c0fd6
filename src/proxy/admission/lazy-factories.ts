/** The filters' code, loaded with the first admission: a proxy whose mesh has no policy for it keeps 1 MB less. */
import type { FilterFactories } from "./admissions.ts";

export function filterFactories(): FilterFactories {
  let made: FilterFactories | undefined;
  const factories = (): FilterFactories => (made ??= load());
  return {
    authorization: (model, parts) => factories().authorization(model, parts),
    jwt: (model, context) => factories().jwt(model, context),
    external: (model, context) => factories().external(model, context),
    rateLimits: (limits, context) => factories().rateLimits(limits, context),
  };
}

function load(): FilterFactories {
  const { makeFactories }: typeof import("./filter-factories.ts") = require("./filter-factories.ts");
  return makeFactories();
}
