export { Admissions, type FilterFactories } from "./admissions.ts";
export type { AdmissionChain } from "./chain.ts";
export type { AdmissionContext } from "./context.ts";
export type {
  FilteredExchange,
  FilterRefusal,
  FilterWaiter,
  RequestFilter,
} from "./filter.ts";
export { maxQuestionsInFlight } from "./external/bounds.ts";
export { filterFactories } from "./lazy-factories.ts";
