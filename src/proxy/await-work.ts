/**
 * How a proxy that leaves ends its work. The mesh was told, but news takes its time: peers that have not heard yet still dial and send,
 * are taken, and keep their idle connections for a moment. Then nobody is taken any more, and what is idle goes.
 */
import type { Clock } from "../kernel/index.ts";
import type { ServeContext } from "./serve/context.ts";
import type { InboundTunnel } from "./serve/inbound-tunnel.ts";
import type { Server } from "./serve/server.ts";

/** Peers that had connections have gone when none has come back for this long. */
const quietMs = 200;
const pollMs = 50;

export interface Work {
  readonly context: ServeContext;
  readonly clock: Clock;
  /** All doors. All but the peers' are closed already. */
  readonly servers: readonly Server[];
  /** The peers' door, which is one of them. */
  readonly tunnel: InboundTunnel | undefined;
  readonly timeoutMs: number;
  /** Until connections with nothing under way are closed. */
  readonly idleGraceMs: number;
}

/** Resolves when nothing is under way, or the time is over. */
export async function awaitWork({
  context,
  clock,
  servers,
  tunnel,
  timeoutMs,
  idleGraceMs,
}: Work): Promise<void> {
  const startMs = clock.nowMs();
  let peersMs = Number.NEGATIVE_INFINITY;
  for (;;) {
    const nowMs = clock.nowMs();
    const peers = tunnel?.openConnections ?? 0;
    if (peers > 0) peersMs = nowMs;
    const open = servers.reduce((sum, server) => sum + server.connections.size, peers);
    // Tunnels and TCP sessions count as in flight, whether or not they are connections of HTTP still.
    const isDone = open === 0 && context.inFlight === 0 && nowMs - peersMs >= quietMs;
    if (isDone || nowMs - startMs >= timeoutMs) return;
    if (nowMs - startMs >= idleGraceMs) {
      tunnel?.stopAccepting();
      for (const server of servers) server.connections.closeIdle();
    }
    await new Promise<void>((resolve) => void clock.after(pollMs, resolve));
  }
}
