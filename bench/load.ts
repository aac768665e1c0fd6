/** Closed-loop load by wrk, pinned away from the proxies. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Bench, loadCore } from "./processes.ts";

export interface LoadOptions {
  readonly url: string;
  readonly connections: number;
  readonly seconds: number;
  readonly headers?: readonly string[];
}

export interface LoadResult {
  readonly requests: number;
  readonly requestsPerSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly p999Ms: number;
  readonly errors: number;
}

// wrk's own report stops at p99; its hook sees the whole histogram.
const script = `done = function(summary, latency, requests)
  local e = summary.errors
  io.write(string.format('RESULT {"requests":%d,"durationUs":%d,"p50":%d,"p99":%d,"p999":%d,"errors":%d}\\n',
    summary.requests, summary.duration, latency:percentile(50), latency:percentile(99), latency:percentile(99.9),
    e.connect + e.read + e.write + e.status + e.timeout))
end
`;

interface Report {
  readonly requests: number;
  readonly durationUs: number;
  readonly p50: number;
  readonly p99: number;
  readonly p999: number;
  readonly errors: number;
}

function isReport(value: unknown): value is Report {
  return typeof value === "object" && value !== null && "requests" in value && "p999" in value;
}

export async function runLoad(bench: Bench, options: LoadOptions): Promise<LoadResult> {
  const scriptFile = join(bench.directory, "report.lua");
  writeFileSync(scriptFile, script);
  const headers = (options.headers ?? []).flatMap((header) => ["-H", header]);
  const child = Bun.spawn(
    [
      ...[
        "taskset",
        "-c",
        String(loadCore),
        "wrk",
        "-t1",
        `-c${options.connections}`,
        `-d${options.seconds}s`,
      ],
      ...["-s", scriptFile, ...headers, options.url],
    ],
    { stdout: "pipe", stderr: "inherit" },
  );
  const text = await new Response(child.stdout).text();
  const json: unknown = JSON.parse(/^RESULT (.*)$/m.exec(text)?.[1] ?? "null");
  if ((await child.exited) !== 0 || !isReport(json)) throw new Error(`wrk failed: ${text}`);
  return {
    requests: json.requests,
    requestsPerSecond: json.requests / (json.durationUs / 1e6),
    p50Ms: json.p50 / 1000,
    p99Ms: json.p99 / 1000,
    p999Ms: json.p999 / 1000,
    errors: json.errors,
  };
}
