/**
 * How a proxy ends its work: nobody is taken any more, what is under way is finished, what is idle goes after a while, and it is over when
 * the last connection is closed, with all that was written to it. Where the mesh was told, news takes its time: peers that have not heard
 * yet still dial and send, and are taken for a moment.
 */
import type { Clock } from "../kernel/index.ts";
import type { ServeContext } from "./serve/context.ts";
import type { InboundTunnel } from "./serve/inbound-tunnel.ts";
import type { Server } from "./serve/server.ts";

/** Somebody waits for the end, or another process has taken this one's place and nobody does. */
export type Reason = "leaving" | "replaced";

/** Peers that had connections have gone when none has come back for this long. */
const quietMs = 200;
const pollMs = 50;
/**
 * Until connections with nothing under way are closed. Pools (ours, Go's, Java's, nginx's) close what they have not used for 60 to 90 s, so
 * what is idle longer has a client that does not come back; closed earlier, it could be about to.
 */
const idleGraceMs: Readonly<Record<Reason, number>> = { leaving: 1_000, replaced: 95_000 };
/** As long as a TCP connection may be silent by default. */
const replacedTimeoutMs = 3_600_000;

export interface Work {
  readonly context: ServeContext;
  readonly clock: Clock;
  /** All doors. All but the peers' are closed already. */
  readonly servers: readonly Server[];
  /** The peers' door, which is one of them. */
  readonly tunnel: InboundTunnel | undefined;
  /** Of the mesh. What is left then is reset; where this process is replaced, not before an hour. */
  readonly drainTimeoutMs: number;
}

export class WorkEnd {
  readonly #work: Work;
  #idleMs = Infinity;
  #endMs = Infinity;

  constructor(work: Work, reason: Reason) {
    this.#work = work;
    this.hurry(reason);
  }

  /** Only ever earlier. */
  hurry(reason: Reason): void {
    const { clock, drainTimeoutMs } = this.#work;
    const nowMs = clock.nowMs();
    const timeoutMs = reason === "leaving" ? drainTimeoutMs : Math.max(replacedTimeoutMs, drainTimeoutMs);
    this.#idleMs = Math.min(this.#idleMs, nowMs + idleGraceMs[reason]);
    this.#endMs = Math.min(this.#endMs, nowMs + timeoutMs);
  }

  /** Resolves when nothing is under way, or the time is over. */
  async done(): Promise<void> {
    const { context, clock, servers, tunnel } = this.#work;
    let peersMs = Number.NEGATIVE_INFINITY;
    for (;;) {
      const nowMs = clock.nowMs();
      if ((tunnel?.listeners.connections ?? 0) > 0) peersMs = nowMs;
      // Of sockets, not of what was served on them: an answer may wait to be read long after its exchange is over.
      const open = servers.reduce((sum, { listeners }) => sum + listeners.connections, 0);
      const isDone = open === 0 && context.inFlight === 0 && nowMs - peersMs >= quietMs;
      if (isDone || nowMs >= this.#endMs) return;
      if (nowMs >= this.#idleMs) {
        tunnel?.stopAccepting();
        for (const server of servers) server.connections.closeIdle();
      }
      await new Promise<void>((resolve) => void clock.after(pollMs, resolve));
    }
  }
}
