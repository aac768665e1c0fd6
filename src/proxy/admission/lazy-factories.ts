/** The filters' code, loaded with the first admission: a proxy that no policy is for does not keep it. */
import type { FilterFactories } from "./admissions.ts";
import type { makeFactories } from "./filter-factories.ts";

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
  const loaded: { readonly makeFactories: typeof makeFactories } = require("./filter-factories.ts");
  return loaded.makeFactories();
}
