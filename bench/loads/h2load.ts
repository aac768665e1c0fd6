/** h2load: HTTP/2 in a closed loop, HTTP/1.1 at a fixed rate. Percentiles come from its log of single requests. */
import { readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { type Bench, loadCore } from "../processes.ts";
import { latencies } from "../programs/print-report.ts";
import type { LoadReport } from "./load-report.ts";

export interface H2loadOptions {
  readonly url: string;
  /** Where the URL's host is to be found, as host:port; where it says so itself: absent. */
  readonly connectTo?: string;
  readonly connections: number;
  readonly seconds: number;
  readonly headers: readonly string[];
  readonly http1?: boolean;
  /** On each connection; 1 for HTTP/1.1. */
  readonly streams: number;
  readonly bodyFile?: string;
  /** In all; without it as fast as answers come. */
  readonly requestsPerSecond?: number;
}

export async function runH2load(bench: Bench, options: H2loadOptions): Promise<LoadReport> {
  const logFile = join(bench.directory, "h2load.log");
  rmSync(logFile, { force: true });
  const { requestsPerSecond, connections, bodyFile } = options;
  const load = bench.start(
    loadCore,
    [
      ...["h2load", "-t1", `-c${connections}`, `-m${options.streams}`, `-D${options.seconds}`],
      ...(options.http1 === true ? ["--h1"] : []),
      ...(requestsPerSecond === undefined ? [] : [`--rps=${requestsPerSecond / connections}`]),
      ...(bodyFile === undefined ? [] : ["-d", bodyFile]),
      ...options.headers.flatMap((header) => ["-H", header]),
      ...(options.connectTo === undefined ? [] : [`--connect-to=${options.connectTo}`]),
      `--log-file=${logFile}`,
      options.url,
    ],
    { io: "pipe" },
  );
  const text = await load.output();
  const exitCode = await load.child.exited;
  const seconds = Number(/^finished in ([\d.]+)s/m.exec(text)?.[1]);
  const counts = /^requests: .* (\d+) succeeded, (\d+) failed, (\d+) errored, (\d+) timeout/m.exec(text);
  const connected = /100% of clients started/.test(text);
  if (exitCode !== 0 || counts === null || !(seconds > 0) || !connected)
    throw new Error(`h2load ended with ${exitCode}: ${text.trim().slice(-300)}`);
  const [succeeded = 0, ...failures] = counts.slice(1).map(Number);
  const durationsMs = readDurations(logFile);
  rmSync(logFile, { force: true });
  return {
    work: succeeded,
    seconds,
    errors: failures.reduce((sum, each) => sum + each, 0) + (succeeded === 0 ? 1 : 0),
    ...latencies(durationsMs),
  };
}

/** Each line: start in µs, status, duration in µs. */
function readDurations(file: string): number[] {
  return readFileSync(file, "utf8")
    .split("\n")
    .flatMap((line) => {
      const [, status, durationUs] = line.split("\t");
      return status === undefined || status === "-1" ? [] : [Number(durationUs) / 1000];
    });
}
