/**
 * `weft proxy --bootstrap FILE [--workers N]`, and the workers that it starts, without the rest of the command line: what bin/weft
 * runs, built into one file, because a machine has as many proxies as workloads. Every other form of the command goes through main.ts.
 */
import { WeftError } from "../kernel/index.ts";
import { exitCodeOf, reportError } from "./error-report.ts";
import { Output } from "./output.ts";
import { serveProxy } from "./serve-proxy.ts";
import { maxWorkers, readWorkerCount } from "./worker-count.ts";

run(process.argv.slice(2)).then(
  () => process.exit(0),
  (error: unknown) => {
    reportError(error, Output.ofProcess(process));
    process.exit(exitCodeOf(error));
  },
);

async function run([verb, ...args]: readonly string[]): Promise<void> {
  const [first, value, second, another, ...more] = args;
  if (verb === "proxy" && first === "--bootstrap" && value !== undefined && more.length === 0) {
    if (second === undefined) return await serveProxy(value, 1);
    if (second === "--workers" && another !== undefined) return await serveProxy(value, countOf(another));
  }
  if (verb === "worker") return await runWorker(args);
  throw new WeftError("usage", "usage: proxy --bootstrap FILE [--workers N]");
}

function countOf(text: string): number {
  const count = readWorkerCount(text);
  if (count !== undefined) return count;
  throw new WeftError("usage", `--workers takes a whole number from 1 to ${maxWorkers}`);
}

/** In the form in which `workerCommand` writes it. */
async function runWorker([, index, , format, , level]: readonly string[]): Promise<void> {
  const { runWorkerProcess } = await import("../workers/index.ts");
  const logLevel = (["debug", "info", "warn", "error"] as const).find((each) => each === level) ?? "info";
  const logFormat = format === "json" ? "json" : "text";
  await runWorkerProcess({ index: Number(index), logFormat, logLevel });
}
