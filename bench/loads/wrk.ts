/** Closed-loop HTTP/1.1 by wrk. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Bench, loadCore } from "../processes.ts";
import type { BenchRoute } from "../routes.ts";
import { type LoadReport, parseLoadReport } from "./load-report.ts";

export interface WrkOptions {
  readonly url: string;
  readonly connections: number;
  readonly seconds: number;
  readonly headers: readonly string[];
  /** The smallest response that counts, with its head: fewer bytes than that times the requests are an error. */
  readonly minResponseBytes: number;
  /** Asked for in turn. Empty: only the URL. */
  readonly routes: readonly BenchRoute[];
}

export async function runWrk(bench: Bench, options: WrkOptions): Promise<LoadReport> {
  const scriptFile = join(bench.directory, "wrk.lua");
  writeFileSync(scriptFile, script(options));
  const headers = options.headers.flatMap((header) => ["-H", header]);
  const load = bench.start(
    loadCore,
    [
      ...["wrk", "-t1", `-c${options.connections}`, `-d${options.seconds}s`, "--timeout", "10s"],
      ...["-s", scriptFile, ...headers, options.url],
    ],
    { io: "pipe" },
  );
  const text = await load.output();
  return parseLoadReport("wrk", text, await load.child.exited);
}

// wrk's own report stops at p99; its hook sees the whole histogram.
function script({ routes, minResponseBytes }: WrkOptions): string {
  const report = `done = function(summary, latency)
  local e = summary.errors
  local errors = e.connect + e.read + e.write + e.status + e.timeout
  if summary.bytes < summary.requests * ${minResponseBytes} then errors = errors + 1 end
  io.write(string.format('\\n{"work":%d,"seconds":%f,"p50Ms":%f,"p99Ms":%f,"p999Ms":%f,"maxMs":%f,"errors":%d}\\n',
    summary.requests, summary.duration / 1e6, latency:percentile(50) / 1000, latency:percentile(99) / 1000,
    latency:percentile(99.9) / 1000, latency.max / 1000, errors))
end
`;
  if (routes.length === 0) return report;
  const targets = routes.map(({ host, path }) => `{"${host}","${path}"}`).join(",");
  return `local targets = {${targets}}
local requests, next = {}, 0
init = function()
  for i, t in ipairs(targets) do requests[i] = wrk.format("GET", t[2] .. "x", { Host = t[1] }) end
end
request = function()
  next = next % #requests + 1
  return requests[next]
end
${report}`;
}
