/** How many connections a door of the proxy takes, and how long they may take to come in: read for each connection. */
import type { ListenOptions } from "../../net/index.ts";
import type { ServeContext } from "./context.ts";

export function listenLimits(context: ServeContext): Required<Pick<ListenOptions, "bounds" | "onLimit">> {
  return {
    bounds: () => context.limits,
    onLimit: (limit) => context.metrics.limitReached(limit),
  };
}
