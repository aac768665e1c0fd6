/**
 * `weft proxy --bootstrap FILE`, without the rest of the command line: what bin/weft runs, built into one executable, because a
 * machine has as many proxies as workloads. Every other form of the command goes through main.ts.
 */
import { exitCodeOf, reportError } from "./error-report.ts";
import { Output } from "./output.ts";
import { serveProxy } from "./serve-proxy.ts";

const [verb, option, bootstrapFile, ...more] = process.argv.slice(2);
if (verb !== "proxy" || option !== "--bootstrap" || bootstrapFile === undefined || more.length > 0) {
  throw new Error("usage: proxy --bootstrap FILE");
}
serveProxy(bootstrapFile).then(
  () => process.exit(0),
  (error: unknown) => {
    reportError(error, Output.ofProcess(process));
    process.exit(exitCodeOf(error));
  },
);
