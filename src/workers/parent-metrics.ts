/** What a parent of workers tells about itself, in the form of their pages, to be merged with them. */
import { metricHeader, metricLine } from "../kernel/index.ts";

export interface ParentState {
  readonly workers: number;
  readonly live: number;
  readonly restarts: number;
}

export function parentMetrics({ workers, live, restarts }: ParentState): string {
  const { user, system } = process.cpuUsage();
  const families = [
    ["weft_workers", "Workers that there should be.", "gauge", workers],
    ["weft_workers_live", "Workers that serve.", "gauge", live],
    ["weft_worker_restarts_total", "Workers that ended and were started again.", "counter", restarts],
    ["process_resident_memory_bytes", "Resident memory.", "gauge", process.memoryUsage.rss()],
    ["process_cpu_seconds_total", "CPU time, user and system.", "counter", (user + system) / 1_000_000],
  ] as const;
  const lines = families.flatMap(([name, help, type, value]) => [
    ...metricHeader({ name, help, type }),
    metricLine(name, { labels: {}, value }),
  ]);
  return `${lines.join("\n")}\n`;
}
