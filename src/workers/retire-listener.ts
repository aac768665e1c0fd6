/** Closes one listener of this process without losing a connection. */
import type { Clock, Log } from "../kernel/index.ts";
import { retireListener, steerReusePort } from "../net/index.ts";
import type { RunningProxy } from "../proxy/index.ts";
import { placeText, type Retirement } from "./messages.ts";

export async function retirePlace(
  proxy: RunningProxy,
  { place, targets }: Retirement,
  { clock, log }: { readonly clock: Clock; readonly log: Log },
): Promise<void> {
  const open = proxy.gatewayListeners().find((each) => placeText(each) === placeText(place));
  if (open === undefined) return;
  const { listener } = open;
  if (targets.length > 0) {
    const isSteered = steerReusePort(listener, targets);
    const isEmpty =
      isSteered && (await new Promise<boolean>((done) => retireListener(listener, { clock }, done)));
    if (!isEmpty)
      log.warn("connections that waited at a listener may be lost", { listener: placeText(place) });
  }
  proxy.releaseListener(listener);
}
