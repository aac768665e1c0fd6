/** How our load generators end: one line of JSON. */
import type { LoadReport } from "../loads/load-report.ts";

export function printReport(report: LoadReport): void {
  console.log(JSON.stringify(report));
}

/** The percentiles of durations in milliseconds. */
export function latencies(durationsMs: number[]): Pick<LoadReport, "p50Ms" | "p99Ms" | "p999Ms" | "maxMs"> {
  const sorted = Float64Array.from(durationsMs).sort();
  const at = (quantile: number): number =>
    sorted[Math.min(sorted.length - 1, Math.floor(quantile * sorted.length))] ?? 0;
  return { p50Ms: at(0.5), p99Ms: at(0.99), p999Ms: at(0.999), maxMs: at(1) };
}
