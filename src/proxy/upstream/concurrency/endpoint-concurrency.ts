/** Whether one endpoint takes one more request: its learned limit, and what the request's priority makes of it. */
import type { ReasonCode } from "../../../kernel/index.ts";
import type { HttpRequest } from "../../http/index.ts";
import type { GradientLimit } from "./gradient-limit.ts";
import { shareOf } from "./priority.ts";

export interface EndpointConcurrency {
  readonly limit: GradientLimit;
  /** Lower case; empty: all requests are equal. */
  readonly priorityHeader: string;
}

/** `inFlight`: with the request itself. */
export function refusal(
  { limit, priorityHeader }: EndpointConcurrency,
  inFlight: number,
  head: HttpRequest | undefined,
): ReasonCode | undefined {
  const priority = priorityHeader === "" ? undefined : head?.get(priorityHeader);
  return limit.admits(inFlight, shareOf(priority)) ? undefined : "overloaded";
}
