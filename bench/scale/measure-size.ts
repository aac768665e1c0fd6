/** All figures of one size of the mesh, one phase after another, on a control plane of its own. */
import { loadavg } from "node:os";
import type { Bench } from "../processes.ts";
import { meshOf } from "./mesh.ts";
import { ScaledMesh } from "./scaled-mesh.ts";
import type { SizeFigures } from "./scale-figures.ts";

export interface SizeOptions {
  readonly proxies: number;
  readonly hasRestart: boolean;
  /** Shorter phases: whether it works, not how fast. */
  readonly isSmoke?: boolean;
  readonly log?: (line: string) => void;
}

/** The simulated proxies end by themselves after this long. */
const lifeMs = 900_000;
/** Proxies that are on their way in at a time. */
const connectingAtOnce = 128;
/** What a collector has to do after thousands of proxies came is done by then. */
const settleMs = 5_000;
const idleMs = 5_000;
/** Code that has not run yet is slow: changes before the ones that count. */
const warmUpChanges = 2_000;
const singleChanges = 200;
const singlesPerSecond = 20;
/** More than the 500 that a control plane shall take: what is offered is never stored a little faster than it comes. */
const manyPerSecond = 550;
const manySeconds = 20;
const patienceMs = 30_000;

export async function measureSize(bench: Bench, options: SizeOptions): Promise<SizeFigures> {
  const { proxies, isSmoke = false, log = () => {} } = options;
  const mesh = new ScaledMesh(bench, { lifeMs });
  log("writing the mesh into the store");
  await mesh.seed(proxies);
  const startMs = await mesh.startControl();
  await mesh.startSimulator(proxies);
  const empty = mesh.usage();
  log(`the control plane is up after ${Math.round(startMs)} ms; proxies connect`);
  const connect = await mesh.order({ order: "connect", atOnce: connectingAtOnce });
  const connected = mesh.usage();
  log(JSON.stringify(connect));
  await Bun.sleep(isSmoke ? 0 : settleMs);
  const idleFrom = mesh.usage();
  const idleFromMs = performance.now();
  await Bun.sleep(isSmoke ? 100 : idleMs);
  const idle = mesh.usage();
  const idleCpuShare = (idle.cpuUs - idleFrom.cpuUs) / 1_000 / (performance.now() - idleFromMs);
  const move = (count: number, perSecond: number) =>
    mesh.order({ order: "move", count, perSecond, patienceMs });
  if (!isSmoke) await move(warmUpChanges, manyPerSecond);
  const singleFrom = mesh.usage();
  const singleFromMs = performance.now();
  const single = await move(isSmoke ? 20 : singleChanges, singlesPerSecond);
  const singleMs = performance.now() - singleFromMs;
  const singleCpuUs = mesh.usage().cpuUs - singleFrom.cpuUs - idleCpuShare * singleMs * 1_000;
  log(JSON.stringify(single));
  const manyFrom = mesh.usage();
  const many = await move(isSmoke ? 100 : manyPerSecond * manySeconds, manyPerSecond);
  const after = mesh.usage();
  log(JSON.stringify(many));
  const metrics = await mesh.metrics();
  let reconnect: Record<string, number> | undefined;
  if (options.hasRestart) {
    await mesh.stopControl("SIGKILL");
    await mesh.startControl();
    reconnect = await mesh.order({ order: "await-reconnect" });
    log(JSON.stringify(reconnect));
  }
  const { services, endpointsPerService } = meshOf(proxies);
  const perProxyKb = (mb: number): number => (mb * 1_024) / proxies;
  const figure = (report: Readonly<Record<string, number>>, name: string): number => report[name] ?? 0;
  return {
    proxies,
    services,
    endpoints: services * endpointsPerService,
    load: loadavg()[0] ?? 0,
    controlStartMs: startMs,
    coldStartMs: figure(connect, "allMs"),
    firstCommitP99Ms: figure(connect, "p99Ms"),
    connectRetries: figure(connect, "retries"),
    cpuMsPerConnect: (connected.cpuUs - empty.cpuUs) / 1_000 / proxies,
    simulatorCpuMsPerConnect: figure(connect, "simulatorCpuMs") / proxies,
    rssKbPerProxy: perProxyKb(idle.rssMb - empty.rssMb),
    privateKbPerProxy: perProxyKb(idle.privateMb - empty.privateMb),
    privateKbPerProxyAfterChanges: perProxyKb(after.privateMb - empty.privateMb),
    controlRssMb: after.rssMb,
    idleCpuShare,
    changeP50Ms: figure(single, "p50Ms"),
    changeP99Ms: figure(single, "p99Ms"),
    subscribersPerChange: figure(single, "delivered") / figure(single, "changes"),
    cpuUsPerChange: singleCpuUs / figure(single, "changes"),
    cpuUsPerSubscriber: singleCpuUs / Math.max(1, figure(single, "delivered")),
    manyOffered: manyPerSecond,
    manyPerSecond: (figure(many, "changes") * 1_000) / figure(many, "storedMs"),
    manyP50Ms: figure(many, "p50Ms"),
    manyP99Ms: figure(many, "p99Ms"),
    manyCpuShare: (after.cpuUs - manyFrom.cpuUs) / 1_000 / figure(many, "allMs"),
    manyCpuUsPerSubscriber: (after.cpuUs - manyFrom.cpuUs) / Math.max(1, figure(many, "delivered")),
    manyCoalesced: figure(many, "superseded"),
    missing: figure(single, "missing") + figure(many, "missing") + figure(many, "failures"),
    queueAfter: metrics.get("weft_control_push_queue") ?? 0,
    ...(reconnect === undefined
      ? {}
      : { restartMs: figure(reconnect, "allMs"), restartRetries: figure(reconnect, "retries") }),
  };
}
