/**
 * A proxy of the mesh in one process, which another process can replace without a lost connection (docs/decisions/0006).
 *
 *   place of the process before asked for -> agent as far as that was -> doors open -> (place taken) -> serving
 *   serving --drain()--> told the mesh -> drained -> left     serving --replaced--> drained, the mesh is told nothing -> ended
 */
import { type Clock, errorLine, type Log, systemClock } from "../kernel/index.ts";
import { resetReusePort } from "../net/index.ts";
import { createAgent, type ListenAddress, type ProxyBootstrap, runProxy } from "../proxy/index.ts";
import { asBefore } from "./doors.ts";
import { type Place, placeText } from "./messages.ts";
import { retireAll } from "./retire-listener.ts";
import { Succession } from "./succession.ts";

export interface ProxyAloneOptions {
  readonly bootstrap: ProxyBootstrap;
  /** Replace the process that has the bootstrap's data directory; without one, start as ever. */
  readonly takesOver: boolean;
  readonly log: Log;
  readonly clock?: Clock;
}

export interface RunningProxyAlone {
  /** Undefined: a gateway. */
  readonly tunnel: ListenAddress | undefined;
  readonly admin: ListenAddress;
  /** The process that this one took over from. */
  readonly replacedPid: number | undefined;
  /** Resolves when another process has taken over and all that was in flight here is done. */
  readonly replaced: Promise<void>;
  drain(): Promise<void>;
  close(): void;
}

/** Resolves when it serves. Throws WeftError; then nothing is left open, and a process that was to be replaced goes on. */
export async function startProxyAlone(options: ProxyAloneOptions): Promise<RunningProxyAlone> {
  const { bootstrap, takesOver, log, clock = systemClock } = options;
  const { dataDir } = bootstrap;
  const succession = await Succession.enter({ dataDir, takesOver, clock, log });
  try {
    return await start({ ...options, clock }, succession);
  } catch (error) {
    succession?.close();
    throw error;
  }
}

async function start(
  { bootstrap, log, clock }: Required<Omit<ProxyAloneOptions, "takesOver">>,
  succession: Succession | undefined,
): Promise<RunningProxyAlone> {
  const taken = succession?.takeOver;
  let ours = new Set(taken?.places.map(placeText));
  const { admin, health, ...doors } = bootstrap;
  const pages = { admin, health };
  const agent = createAgent({ bootstrap, clock, log });
  if (taken !== undefined) {
    await agent.ready();
    await succession?.caughtUp(agent);
  }
  const sharing = (address: string, port: number) =>
    ours.has(placeText({ address, port })) ? ("join" as const) : ("claim" as const);
  const proxy = await runProxy({
    bootstrap: {
      ...asBefore(doors, taken?.handed.doors),
      // The process before still has these ports.
      ...(taken === undefined ? pages : {}),
      ...(succession === undefined ? {} : { sharing }),
    },
    agent,
    clock,
    log,
  });
  const replaced = Promise.withResolvers<void>();
  const places = (): Place[] => proxy.openListeners().map(({ address, port }) => ({ address, port }));
  if (taken !== undefined) {
    try {
      await succession?.succeed(places(), 1);
    } catch (error) {
      proxy.close();
      throw error;
    }
    ours = new Set();
    for (const { listener } of proxy.openListeners()) resetReusePort(listener);
    // The other process is leaving: whatever becomes of these, the traffic is ours.
    try {
      proxy.openPages(pages);
    } catch (error) {
      log.error("serving without the admin and health ports", { error: errorLine(error) });
    }
  }
  let retiring = Promise.resolve();
  const dnsPort = proxy.bound.dns?.port;
  succession?.allowNext({
    async freeze() {
      if (proxy.notReady() !== undefined) return undefined;
      await proxy.flush();
      return places().map((place) => ({ ...place, count: 1 }));
    },
    handed: () => ({ revision: agent.snapshot.revision, doors: proxy.bound }),
    retire(kept, count) {
      // Names are answered by one process, however many workers there are.
      retiring = retireAll(proxy, kept, ({ port }) => (port === dnsPort ? 1 : count), { clock, log });
      return retiring;
    },
    release: () => proxy.closePages(),
    leave: () => void proxy.handOver().then(() => replaced.resolve()),
    async resume() {
      await retiring;
      proxy.reopenListeners();
    },
  });
  return {
    tunnel: proxy.bound.tunnel,
    admin: proxy.bound.admin,
    replacedPid: succession?.replacedPid,
    replaced: replaced.promise,
    async drain() {
      await proxy.drain();
      succession?.close();
    },
    close() {
      proxy.close();
      succession?.close();
    },
  };
}
