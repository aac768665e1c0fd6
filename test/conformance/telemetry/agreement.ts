/**
 * One mesh, a known mix of requests through its gateway to a program behind a sidecar, and what every place that counts says of them
 * afterwards: client's and server's proxy, control plane, the documents that the dashboard draws, a real Prometheus.
 */
import { getPriority, setPriority } from "node:os";
import { Histogram } from "../../../src/kernel/index.ts";
import { eventually } from "../../e2e/harness/eventually.ts";
import { startMesh } from "../../e2e/harness/mesh.ts";
import { Prometheus, PrometheusFolder } from "../../e2e/harness/prometheus.ts";
import { missingPrograms } from "../../e2e/harness/requirements.ts";
import { gatewayTo, webProgram, yaml } from "../../e2e/harness/resources.ts";
import { quantile, runClosedLoop } from "./closed-loop-load.ts";
import { planned, plannedCounts } from "./known-mix.ts";
import { type Counts, MeshNumbers, type Reading } from "./number-readings.ts";

/** Of p50 and p99 from the generator's own. */
export const maxDeviation = 0.05;
const connections = 20;
/** Proxies report and Prometheus scrapes every five seconds. */
const agreeWithinMs = 20_000;

export interface Agreement {
  readonly sent: Counts;
  readonly surprises: readonly string[];
  readonly readings: readonly Reading[];
  /** What differs from what was sent, in words. */
  readonly differences: readonly string[];
  readonly quantiles: readonly QuantilePair[];
  readonly requestsPerSecond: number;
}

interface QuantilePair {
  readonly name: "p50" | "p99";
  /** The generator's own, exact. */
  readonly sentMs: number;
  /** The same in the buckets of a proxy: what buckets alone make of it. */
  readonly bucketedMs: number;
  readonly toldMs: number;
}

export const prometheusIsMissing = missingPrograms(["prometheus"]);

/** `requests` are all that the mesh ever gets. Without Prometheus the rest is compared. */
export async function compareNumbers(requests: number): Promise<Agreement> {
  const priority = getPriority();
  try {
    raisePriority();
    return await compare(requests);
  } finally {
    setPriority(priority);
  }
}

/**
 * Of this process and of what it starts: a request that waits for a processor in front of the gateway is late for the generator, not yet
 * for the mesh, so others at work on this machine are not to come first. Only root may; others measure on a quiet machine.
 */
function raisePriority(): void {
  if (process.getuid?.() === 0) setPriority(-10);
}

async function compare(requests: number): Promise<Agreement> {
  await using mesh = await startMesh({
    files: { "programs.yaml": yaml(webProgram("v1")), "routes.yaml": yaml(gatewayTo({ web: 1 })) },
  });
  const url = mesh.ready.gateway ?? "";
  const { host } = new URL(url);
  const numbers = new MeshNumbers(mesh);
  using folder = new PrometheusFolder(mesh.ready.api, numbers.token, "5s");
  await using prometheus = prometheusIsMissing === undefined ? await Prometheus.start(folder) : undefined;

  const requestOf = (index: number) => planned(index, host);
  const startMs = performance.now();
  const result = await runClosedLoop({ url, requests, connections, requestOf });
  const requestsPerSecond = (requests * 1_000) / (performance.now() - startMs);
  const sent = plannedCounts(requests);
  const { readings, differences } = await settled(sent, () => numbers.readings(prometheus));
  const told = await numbers.quantiles();
  const { latenciesMs, surprises } = result;
  return {
    ...{ sent, surprises, readings, differences, requestsPerSecond },
    quantiles: [
      quantilePair("p50", { latenciesMs, q: 0.5, toldMs: told.p50Ms }),
      quantilePair("p99", { latenciesMs, q: 0.99, toldMs: told.p99Ms }),
    ],
  };
}

function quantilePair(
  name: "p50" | "p99",
  { latenciesMs, q, toldMs }: { latenciesMs: Float64Array; q: number; toldMs: number },
): QuantilePair {
  const buckets = new Histogram();
  for (const ms of latenciesMs) buckets.record(ms * 1_000);
  return { name, sentMs: quantile(latenciesMs, q), bucketedMs: buckets.quantileUs(q) / 1_000, toldMs };
}

/** Waits until all agree; when they do not, what was read last. */
async function settled(sent: Counts, read: () => Promise<Reading[]>) {
  let readings: Reading[] = [];
  let differences: string[] = [];
  await eventually(async () => {
    readings = await read();
    differences = readings.flatMap((reading) => differenceOf(sent, reading));
    if (differences.length > 0) throw new Error(differences.join("\n"));
  }, agreeWithinMs).catch((error: unknown) => {
    if (differences.length === 0) throw error;
  });
  return { readings, differences };
}

/** Exact: what nobody sent must not be told either. */
function differenceOf(sent: Counts, { place, by, counts }: Reading): string[] {
  const wanted: Record<string, number> = {};
  for (const [kind, count] of Object.entries(sent)) {
    const key = keyOf(kind, by);
    wanted[key] = (wanted[key] ?? 0) + count;
  }
  const keys = new Set([...Object.keys(wanted), ...Object.keys(counts)]);
  return [...keys].flatMap((key) => {
    const [is, should] = [counts[key] ?? 0, wanted[key] ?? 0];
    return is === should ? [] : [`${place}: ${key} is ${is} in the place of ${should}`];
  });
}

function keyOf(kind: string, by: Reading["by"]): string {
  const status = kind.slice(kind.indexOf(" ") + 1);
  if (by === "class") return `${status[0]}xx`;
  return by === "status" ? status : kind;
}
