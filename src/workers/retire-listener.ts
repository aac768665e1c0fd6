/** Closes listeners of this process without losing a connection. */
import type { Clock, Log } from "../kernel/index.ts";
import { type Listener, retireListener, steerReusePort } from "../net/index.ts";
import type { RunningProxy } from "../proxy/index.ts";
import { type Place, placeText, type Retirement } from "./messages.ts";

interface Surroundings {
  readonly clock: Clock;
  readonly log: Log;
}

/** Whoever has listeners to give away. */
export type ListenerHolder = Pick<RunningProxy, "openListeners" | "releaseListener">;

/** One of several processes of ours that listen there. */
export async function retirePlace(
  holder: ListenerHolder,
  { place, targets }: Retirement,
  surroundings: Surroundings,
): Promise<void> {
  const open = holder.openListeners().find((each) => placeText(each) === placeText(place));
  if (open !== undefined) await retire(holder, open.listener, { place, targets }, surroundings);
}

/**
 * Of the only process that has them: each is number 0 at its place, and another process's are behind it where that has bound `kept`, as
 * many as `countAt` says.
 */
export async function retireAll(
  holder: ListenerHolder,
  kept: readonly Place[],
  countAt: (place: Place) => number,
  surroundings: Surroundings,
): Promise<void> {
  const names = new Set(kept.map(placeText));
  await Promise.all(
    holder.openListeners().map(({ listener, ...place }) => {
      const count = names.has(placeText(place)) ? countAt(place) : 0;
      const targets = Array.from({ length: count }, (_, i) => i + 1);
      return retire(holder, listener, { place, targets }, surroundings);
    }),
  );
}

async function retire(
  holder: ListenerHolder,
  listener: Listener,
  { place, targets }: Retirement,
  { clock, log }: Surroundings,
): Promise<void> {
  if (targets.length > 0) {
    // A Unix socket's name is the other process's already, and leads nobody here any more.
    const isSteered = listener.port === 0 || steerReusePort(listener, targets);
    const isEmpty =
      isSteered && (await new Promise<boolean>((done) => retireListener(listener, { clock }, done)));
    if (!isEmpty)
      log.warn("connections that waited at a listener may be lost", { listener: placeText(place) });
  }
  holder.releaseListener(listener);
}
