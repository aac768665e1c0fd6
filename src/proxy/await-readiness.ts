/** What a sidecar may take in comes with the answer to its registration, so it waits for that a little. */
import type { Clock } from "../kernel/index.ts";
import type { Agent } from "./agent/index.ts";

/** A control plane that registered us answers within a few milliseconds; one that just died must not stop the start. */
const waitMs = 5_000;

export function awaitReadiness(agent: Agent, clock: Clock): Promise<void> {
  return new Promise((resolve) => {
    const finish = (): void => {
      timer.cancel();
      stopWatching();
      resolve();
    };
    const timer = clock.after(waitMs, finish);
    const stopWatching = agent.onSnapshot(() => {
      if (agent.status.isReady) finish();
    });
  });
}
