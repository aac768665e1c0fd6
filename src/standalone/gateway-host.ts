/** Who carries the traffic: this process itself, or workers of it. Both can be taken over by another process, and can take over from one. */
import type { Clock, Log } from "../kernel/index.ts";
import { WeftError } from "../kernel/index.ts";
import { resetReusePort } from "../net/index.ts";
import { type GatewayListen, runProxy, type SuppliedAgent, type SuppliedChange } from "../proxy/index.ts";
import {
  type HandOverSubject,
  type PageSource,
  type Place,
  placeText,
  retireAll,
  type TakenPlace,
  type WorkerPlan,
  WorkerPool,
} from "../workers/index.ts";

export interface GatewayHost extends PageSource, Pick<HandOverSubject, "retire"> {
  readonly listeners: readonly Place[];
  /** Listeners at each place. */
  readonly count: number;
  /** After the agent was given the change. Resolves when all that carry traffic run it. */
  commit(change: SuppliedChange): Promise<void>;
  /** Places with the number of listeners there. */
  taken(): readonly TakenPlace[];
  /** Undoes `retire`. */
  reopen(): Promise<void>;
  /** The process that stood here before has closed its listeners. */
  tookOver(): void;
  /** Finishes what is in flight. */
  /** `isReplaced`: another process has the ports; once more without, it hurries. */
  drain(isReplaced: boolean): Promise<void>;
  close(): void;
}

export interface GatewayHostOptions {
  /** Has the whole configuration already. */
  readonly agent: SuppliedAgent;
  readonly gateway: GatewayListen;
  /** `address` or `address:port` of resolvers. */
  readonly dnsUpstreams: readonly string[];
  /** Where a process listens that is being taken over. */
  readonly taken: readonly TakenPlace[];
  readonly clock: Clock;
  readonly log: Log;
}

/** What metrics and traces call this gateway. */
export const gatewayWorkload = { namespace: "weft-system", name: "gateway" };

function planOf({ gateway, dnsUpstreams, taken }: GatewayHostOptions): WorkerPlan {
  const [first] = taken;
  return {
    role: "gateway",
    workload: {
      ...gatewayWorkload,
      serviceAccount: "default",
      labels: {},
      addresses: [],
      ports: [],
      region: "",
      zone: "",
    },
    capture: { kind: "none" },
    // Of a sidecar; a gateway opens neither.
    tunnel: { address: "127.0.0.1", port: 0 },
    application: { address: "127.0.0.1" },
    // A port that the system chose for the process before is the one to have.
    gateway: gateway.port === 0 && first !== undefined ? { ...gateway, port: first.port } : gateway,
    dnsUpstreams,
  };
}

/** Resolves when all listeners are open. Throws WeftError; then none is. */
export async function hostInProcess(options: GatewayHostOptions): Promise<GatewayHost> {
  const { agent, clock, log } = options;
  let ours = new Set(options.taken.map(placeText));
  const sharing = (address: string, port: number) =>
    ours.has(placeText({ address, port })) ? "join" : "claim";
  const proxy = await runProxy({ bootstrap: { ...planOf(options), sharing }, agent, clock, log });
  // Which and why has been logged.
  const failed = proxy.gatewayFailures().length;
  if (failed > 0) {
    proxy.close();
    throw new WeftError("address_in_use", `${failed} listeners cannot be opened`);
  }
  const places = (): Place[] => proxy.openListeners().map(({ address, port }) => ({ address, port }));
  return {
    count: 1,
    get listeners() {
      return proxy.gatewayAddresses();
    },
    metrics: () => Promise.resolve(proxy.metricsText()),
    config: () => Promise.resolve(proxy.configPage()),
    notReady: () => proxy.notReady(),
    // It follows the agent.
    commit: () => Promise.resolve(),
    taken: () => places().map((place) => ({ ...place, count: 1 })),
    retire: (kept, count) => retireAll(proxy, kept, () => count, options),
    reopen() {
      proxy.reopenListeners();
      return Promise.resolve();
    },
    tookOver() {
      ours = new Set();
      for (const { listener } of proxy.openListeners()) resetReusePort(listener);
    },
    drain: (isReplaced) => (isReplaced ? proxy.handOver() : proxy.drain()),
    close: () => proxy.close(),
  };
}

export interface WorkerHostOptions extends GatewayHostOptions {
  readonly count: number;
  readonly command: (index: number) => readonly string[];
}

/** Resolves when all workers listen. Throws WeftError; then nothing is left. */
export async function hostInWorkers(options: WorkerHostOptions): Promise<GatewayHost> {
  const { agent, count, command, taken, clock, log } = options;
  const pool = new WorkerPool({
    count,
    command,
    plan: { ...planOf(options), processes: count },
    everything: () => agent.everything(),
    taken,
    clock,
    log,
  });
  await pool.open();
  return {
    count,
    get listeners() {
      return pool.listeners;
    },
    metrics: () => pool.metrics(),
    config: () => pool.config(),
    notReady: () => (pool.isServing ? undefined : "no worker serves"),
    commit: (change) => pool.commit(change),
    taken: () => pool.taken(),
    retire: (kept, listeners) => pool.retire(kept, listeners),
    reopen: () => pool.reopen(),
    tookOver: () => pool.tookOver(),
    drain: (isReplaced) => pool.drain(isReplaced),
    close: () => void pool.close(),
  };
}
