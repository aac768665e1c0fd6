/** All figures of one mesh size, one phase after another. */
import { loadavg } from "node:os";
import type { Bench } from "../processes.ts";
import { ScaledMesh } from "./scaled-mesh.ts";

export interface SizeOptions {
  readonly proxies: number;
}

export async function measureSize(bench: Bench, { proxies }: SizeOptions) {
  const log = (line: string): void => console.error(`${new Date().toISOString()} ${proxies} proxies: ${line}`);
  const mesh = new ScaledMesh(bench, { lifeMs: 900_000 });
  log("seeding");
  await mesh.seed(proxies);
  const startMs = await mesh.startControl();
  await mesh.startSimulator(proxies);
  const empty = mesh.usage();
  log(`control plane is up in ${Math.round(startMs)} ms; connecting`);
  const connect = await mesh.order({ order: "connect" });
  const connected = mesh.usage();
  log(JSON.stringify(connect));
  await Bun.sleep(5_000);
  const idleFrom = mesh.usage();
  const idleFromMs = performance.now();
  await Bun.sleep(5_000);
  const idle = mesh.usage();
  const idleCpuMsPerSecond = (idle.cpuUs - idleFrom.cpuUs) / (performance.now() - idleFromMs);
  log("single changes");
  const pacedFromMs = performance.now();
  const paced = await mesh.order({ order: "move", count: 200, perSecond: 20, patienceMs: 10_000 });
  const pacedTo = mesh.usage();
  const pacedSeconds = (performance.now() - pacedFromMs) / 1_000;
  const cpuUsOfChanges = pacedTo.cpuUs - idle.cpuUs - idleCpuMsPerSecond * 1_000 * pacedSeconds;
  log(JSON.stringify(paced));
  log("many changes");
  const many = await mesh.order({ order: "move", count: 5_000, perSecond: 500, patienceMs: 20_000 });
  const manyTo = mesh.usage();
  log(JSON.stringify(many));
  return {
    proxies,
    load: loadavg()[0],
    startMs,
    connect: { ...connect, cpuMs: (connected.cpuUs - empty.cpuUs) / 1_000 },
    memory: {
      emptyRssMb: empty.rssMb,
      emptyPrivateMb: empty.privateMb,
      rssKbPerProxy: ((idle.rssMb - empty.rssMb) * 1_024) / proxies,
      privateKbPerProxy: ((idle.privateMb - empty.privateMb) * 1_024) / proxies,
    },
    idleCpuMsPerSecond,
    paced: {
      ...paced,
      cpuUsPerChange: cpuUsOfChanges / 200,
      cpuUsPerSubscriber: cpuUsOfChanges / Math.max(1, paced["delivered"] ?? 0),
    },
    many: { ...many, cpuMs: (manyTo.cpuUs - pacedTo.cpuUs) / 1_000 },
    afterMany: manyTo,
    metrics: Object.fromEntries(await mesh.metrics()),
  };
}
