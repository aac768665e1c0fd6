/**
 * `weft proxy --bootstrap FILE --workers N`, and the workers that it starts, without the rest of the command line: what bin/weft runs,
 * built into one executable.
 */
import { WeftError } from "../kernel/index.ts";
import { runWorkerProcess } from "../workers/index.ts";
import { exitCodeOf, reportError } from "./error-report.ts";
import { Output } from "./output.ts";
import { serveProxy } from "./serve-proxy.ts";
import { serveProxyWorkers } from "./serve-proxy-workers.ts";
import { maxWorkers, readWorkerCount } from "./worker-count.ts";

run(process.argv.slice(2)).then(
  () => process.exit(0),
  (error: unknown) => {
    reportError(error, Output.ofProcess(process));
    process.exit(exitCodeOf(error));
  },
);

async function run([verb, ...args]: readonly string[]): Promise<void> {
  if (verb === "worker") return await runWorker(args);
  const [bootstrap, file, workers, text = "", takeover, ...more] = args;
  const takesOver = takeover === "--takeover";
  const isProxy = verb === "proxy" && bootstrap === "--bootstrap" && workers === "--workers";
  if (!isProxy || file === undefined || more.length > 0 || (takeover !== undefined && !takesOver)) {
    throw new Error("usage: proxy --bootstrap FILE --workers N [--takeover]");
  }
  const count = readWorkerCount(text);
  if (count === undefined) {
    throw new WeftError("usage", `--workers takes a whole number from 1 to ${maxWorkers}`);
  }
  await (count === 1 ? serveProxy(file, { takesOver }) : serveProxyWorkers(file, count, takesOver));
}

/** In the form in which `workerCommand` writes it. */
async function runWorker([, index, , format, , level]: readonly string[]): Promise<void> {
  const logLevel = (["debug", "info", "warn", "error"] as const).find((each) => each === level) ?? "info";
  const logFormat = format === "json" ? "json" : "text";
  await runWorkerProcess({ index: Number(index), logFormat, logLevel });
}
