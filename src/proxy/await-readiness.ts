/** What a sidecar may take in comes with the answer to its registration, so it waits for that a little. */
import type { Clock, Log } from "../kernel/index.ts";
import type { Agent } from "./agent/index.ts";
import type { ListenAddress } from "./bootstrap.ts";

/** A control plane that registered us answers within a few milliseconds; one that just died must not stop the start. */
const waitMs = 5_000;

/** Peers may dial from here on. */
export async function announceTunnel(
  tunnel: ListenAddress,
  { agent, clock, log }: { readonly agent: Agent; readonly clock: Clock; readonly log: Log },
): Promise<void> {
  const isWildcard = tunnel.address === "0.0.0.0" || tunnel.address === "::";
  agent.announce({ address: isWildcard ? "" : tunnel.address, port: tunnel.port });
  if (!agent.status.isReady) await awaitReadiness(agent, clock);
  if (!agent.status.isReady)
    log.warn("no inbound configuration yet; this workload is not reached until it comes");
}

function awaitReadiness(agent: Agent, clock: Clock): Promise<void> {
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
