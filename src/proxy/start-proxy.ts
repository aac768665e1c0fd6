/** A proxy from its bootstrap, with the real agent and the real clock. */
import { type Log, systemClock } from "../kernel/index.ts";
import { createAgent } from "./agent/index.ts";
import type { ProxyBootstrap } from "./bootstrap.ts";
import { type RunningProxy, runProxy } from "./running-proxy.ts";

/** Resolves when it serves. Throws WeftError where it cannot: a taken port, no permission. Signals are the caller's business. */
export function startProxy(bootstrap: ProxyBootstrap, log: Log): Promise<RunningProxy> {
  const agent = createAgent({ bootstrap, clock: systemClock, log });
  return runProxy({ bootstrap, agent, clock: systemClock, log });
}
