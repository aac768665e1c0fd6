/** Who carries the traffic: this process itself, or workers of it. */
import type { Clock, Log } from "../kernel/index.ts";
import {
  type GatewayListen,
  type ProxyPlan,
  runProxy,
  type SuppliedAgent,
  type SuppliedChange,
} from "../proxy/index.ts";
import { WeftError } from "../kernel/index.ts";
import { PageServer, type PageSource, type Place, WorkerPool, type WorkerPlan } from "../workers/index.ts";

export interface GatewayHost {
  readonly listeners: readonly Place[];
  readonly admin: Place | undefined;
  readonly health: Place | undefined;
  /** After the agent was given the change. Resolves when all that carry traffic run it. */
  commit(change: SuppliedChange): Promise<void>;
  /** Finishes what is in flight. */
  drain(): Promise<void>;
  close(): void;
}

export interface GatewayHostOptions {
  /** Has the whole configuration already. */
  readonly agent: SuppliedAgent;
  readonly gateway: GatewayListen;
  readonly admin?: Place;
  readonly health?: Place;
  readonly clock: Clock;
  readonly log: Log;
}

/** What metrics and traces call this gateway. */
export const gatewayWorkload = { namespace: "weft-system", name: "gateway" };

function planOf(gateway: GatewayListen): WorkerPlan {
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
    gateway,
    dnsUpstreams: [],
  };
}

/** Resolves when all listeners are open. Throws WeftError; then none is. */
export async function hostInProcess(options: GatewayHostOptions): Promise<GatewayHost> {
  const { agent, gateway, admin, health, clock, log } = options;
  const bootstrap: ProxyPlan = {
    ...planOf(gateway),
    ...(admin === undefined ? {} : { admin }),
    ...(health === undefined ? {} : { health }),
  };
  const proxy = await runProxy({ bootstrap, agent, clock, log });
  // Which and why has been logged.
  const failed = proxy.gatewayFailures().length;
  if (failed > 0) {
    proxy.close();
    throw new WeftError("address_in_use", `${failed} listeners cannot be opened`);
  }
  return {
    get listeners() {
      return proxy.gatewayAddresses();
    },
    admin: admin && proxy.bound.admin,
    health: health && proxy.bound.health,
    // It follows the agent.
    commit: () => Promise.resolve(),
    drain: () => proxy.drain(),
    close: () => proxy.close(),
  };
}

export interface WorkerHostOptions extends GatewayHostOptions {
  readonly count: number;
  readonly command: (index: number) => readonly string[];
}

/** Resolves when all workers listen. Throws WeftError; then nothing is left. */
export async function hostInWorkers(options: WorkerHostOptions): Promise<GatewayHost> {
  const { agent, gateway, count, command, clock, log } = options;
  const holder: { pool: WorkerPool | undefined } = { pool: undefined };
  const source: PageSource = {
    metrics: async () => (await holder.pool?.metrics()) ?? "",
    config: async () => await holder.pool?.config(),
    notReady: () => (holder.pool?.isServing === true ? undefined : "no worker serves"),
  };
  const admin = options.admin && PageServer.openAdmin(options.admin, source);
  let health: PageServer | undefined;
  const closePages = (): void => {
    admin?.close();
    health?.close();
  };
  try {
    health = options.health && PageServer.openHealth(options.health, source);
    holder.pool = await WorkerPool.start({
      count,
      command,
      plan: planOf(gateway),
      everything: () => agent.everything(),
      clock,
      log,
    });
  } catch (error) {
    closePages();
    throw error;
  }
  const { pool } = holder;
  return {
    get listeners() {
      return pool.listeners;
    },
    admin: admin?.bound,
    health: health?.bound,
    commit: (change) => pool.commit(change),
    async drain() {
      await pool.drain();
      closePages();
    },
    close() {
      void pool.close();
      closePages();
    },
  };
}
