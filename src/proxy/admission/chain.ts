/** The filters of one place, in the order in which they are asked: JWT, then authorization, then limits. */
import type { RequestFilter } from "./filter.ts";

export interface AdmissionChain {
  readonly filters: readonly RequestFilter[];
  /**
   * Those that are asked again about a raw connection that was let in, when the configuration changes: limits count its
   * beginning only.
   */
  readonly standing: readonly RequestFilter[];
}
