/** Closes one listener of this process without losing a connection. */
import type { Clock } from "../kernel/index.ts";
import type { RunningProxy } from "../proxy/index.ts";
import { type Place, placeText } from "./messages.ts";
import { type Choice, steer, untilEmpty } from "./reuse-port.ts";

/** `choice`: which listeners at this place take new connections from now on; undefined: none will be there. */
export async function retireListener(
  proxy: RunningProxy,
  place: Place,
  choice: Choice | undefined,
  clock: Clock,
): Promise<void> {
  const listener = proxy.gatewayListeners().find((each) => placeText(each) === placeText(place));
  if (listener === undefined) return;
  if (choice !== undefined && steer(listener.fd, choice)) await untilEmpty(listener.fd, clock);
  proxy.releaseListener(listener.fd);
}
