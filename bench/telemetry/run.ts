/**
 * `npm run bench:telemetry`: what 3,000 reporting proxies of a mesh of 300 services cost the control plane: the share of a core for
 * filing their reports, and the memory and the disk that the window of an hour takes. Reports go through the handler
 * that the proxies' port calls; TLS and HTTP/2 are not in it.
 */
import { mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { silentLog, VirtualClock } from "../../src/kernel/index.ts";
import { Aggregator, Reporters, SlotFile, telemetryMethods, topology } from "../../src/observe/index.ts";
import { meshReports, serviceOf } from "./mesh-reports.ts";

const { values } = parseArgs({
  options: {
    services: { type: "string", default: "300" },
    workloads: { type: "string", default: "10" },
    /** Of ten seconds: an hour has 360. */
    rounds: { type: "string", default: "360" },
  },
});
const shape = {
  services: Number(values.services),
  workloadsPerService: Number(values.workloads),
  callees: 2,
  requests: 100,
};
/** Different figures, so that the window holds what differs from slot to slot. */
const variants = 2;
const megabyte = 1_048_576;

const all = Array.from({ length: variants }, (_, i) => meshReports(shape, randomOf(i + 1)));
const proxies = all[0]?.length ?? 0;
const reportBytes = all.flat().reduce((sum, { bytes }) => sum + bytes.length, 0) / (proxies * variants);

const directory = mkdtempSync(join(tmpdir(), "weft-bench-"));
try {
  const clock = new VirtualClock();
  const path = join(directory, "signals.sqlite");
  const file = SlotFile.open({ path, log: silentLog });
  const aggregator = new Aggregator({ clock, file, groupOf: serviceOf });
  const methods = telemetryMethods(aggregator, new Reporters(clock));
  let intervalMs = 0;
  const round = (index: number): void => {
    const reports = all[index % variants] ?? [];
    const perSecond = Math.ceil(reports.length / 10);
    for (let second = 0; second < 10; second++) {
      for (const { bytes, reporter } of reports.slice(second * perSecond, (second + 1) * perSecond)) {
        intervalMs = methods.report(bytes, reporter).intervalMs ?? 0;
      }
      clock.advance(1_000);
    }
  };
  Bun.gc(true);
  const heapBefore = process.memoryUsage.rss();
  const warmUp = Math.min(6, Number(values.rounds));
  const startUs = cpuUs();
  for (let index = 0; index < warmUp; index++) round(index);
  const warmUs = cpuUs();
  for (let index = warmUp; index < Number(values.rounds); index++) round(index);
  const endUs = cpuUs();
  aggregator.services.roll();
  Bun.gc(true);
  const measured = Math.max(1, Number(values.rounds) - warmUp);
  const query = (windowSeconds: number, by: "workload" | "service"): number => {
    const fromUs = cpuUs();
    topology(aggregator, { windowSeconds, by }, { isGateway: () => false, serviceKind: () => "service" });
    return (cpuUs() - fromUs) / 1_000;
  };
  const lines = {
    proxies,
    "bytes of a report": Math.round(reportBytes),
    "interval that proxies are told, s": intervalMs / 1_000,
    "share of a core, first minute": share((warmUs - startUs) / 1e6 / (warmUp * 10)),
    "share of a core, from then on": share((endUs - warmUs) / 1e6 / (measured * 10)),
    "series of services": aggregator.services.seriesCount,
    "series of workloads": aggregator.detail.seriesCount,
    "series that did not fit": aggregator.droppedSeries,
    "edges refused": aggregator.refusedEdges,
    "window in memory, MB": round2(aggregator.services.memoryBytes / megabyte),
    "window on disk, MB": round2((statSync(path).size + statSync(`${path}-wal`).size) / megabyte),
    "minutes of workloads in memory, MB": round2(aggregator.detail.memoryBytes / megabyte),
    "memory of the process for all of it, MB": round2((process.memoryUsage.rss() - heapBefore) / megabyte),
    "topology of services, 60 s, ms": round2(query(60, "service")),
    "topology of services, 1 h, ms": round2(query(3_600, "service")),
    "topology of workloads, 60 s, ms": round2(query(60, "workload")),
  };
  for (const [name, value] of Object.entries(lines)) process.stdout.write(`${name.padEnd(42)} ${value}\n`);
  aggregator.close();
  file?.close();
} finally {
  rmSync(directory, { recursive: true, force: true });
}

function cpuUs(): number {
  const { user, system } = process.cpuUsage();
  return user + system;
}

function share(value: number): string {
  return `${(value * 100).toFixed(1)} %`;
}

function round2(value: number): number {
  return Math.round(value * 100) / 100;
}

/** Mulberry32: the same figures in each run. */
function randomOf(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}
