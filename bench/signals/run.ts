/**
 * What golden signals cost a request: `bun bench/signals/run.ts [rounds]`. `metrics.enabled: false` hides a proxy's page and counts
 * all the same, for the control plane, so a gateway with it against one without says nothing of it. Each figure is the
 * median of rounds of 200,000 requests over 64 edges in time of the processor, with a report for each 10,000: at a thousand requests
 * a second one is made every ten seconds.
 */
import { toBinary } from "@bufbuild/protobuf";
import { ReportBuilder, SeriesRegistry } from "../../src/proxy/telemetry/index.ts";
import { testLabels } from "../../src/proxy/telemetry/testing.ts";
import { TelemetryReportSchema } from "../../src/wire/index.ts";

const requestsPerRound = 200_000;
const requestsPerReport = 10_000;
const statuses = [200, 200, 200, 200, 200, 200, 204, 304, 404, 503] as const;

const registry = new SeriesRegistry();
const edges = Array.from({ length: 64 }, (_, i) =>
  registry.edge({ ...testLabels, destinationWorkload: `default/cart-${i}` }),
);
const reports = new ReportBuilder(registry, "default/web-1", Date.now);
// Spread as latencies are: most near the median, few far above it.
const durations = Array.from({ length: 1_024 }, () => Math.round(1_000 * Math.exp(2 * Math.random() ** 3)));

let reported = 0;
const rounds = Number(process.argv[2] ?? 15);
const times = Array.from({ length: rounds }, measure).toSorted((a, b) => a - b);
process.stdout.write(`${(times[rounds >> 1] ?? 0).toFixed(3)} µs a request, ${reported} bytes reported\n`);

function measure(): number {
  const start = process.cpuUsage();
  for (let i = 0; i < requestsPerRound; i++) {
    const status = statuses[i % statuses.length] ?? 200;
    const cell = edges[i % edges.length]?.http("GET", status, undefined, undefined);
    cell?.record(durations[i % durations.length] ?? 0, 0, 512);
    if (i % requestsPerReport === 0) report();
  }
  const { user, system } = process.cpuUsage(start);
  return (user + system) / requestsPerRound;
}

function report(): void {
  for (let taken = reports.take(); taken !== undefined; taken = reports.take()) {
    reported += toBinary(TelemetryReportSchema, taken).length;
    if (!reports.hasMore) return;
  }
}
