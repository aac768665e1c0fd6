/**
 * `weft proxy --bootstrap FILE [--takeover]`, without the rest of the command line: what bin/weft runs, built into one executable, because a
 * machine has as many proxies as workloads. Every other form of the command goes through main.ts.
 */
import { exitCodeOf, reportError } from "./error-report.ts";
import { Output } from "./output.ts";
import { serveProxy } from "./serve-proxy.ts";

const [verb, option, bootstrapFile, takeover, ...more] = process.argv.slice(2);
const takesOver = takeover === "--takeover";
const isProxy = verb === "proxy" && option === "--bootstrap" && more.length === 0;
if (!isProxy || bootstrapFile === undefined || (takeover !== undefined && !takesOver)) {
  throw new Error("usage: proxy --bootstrap FILE [--takeover]");
}
serveProxy(bootstrapFile, { takesOver }).then(
  () => process.exit(0),
  (error: unknown) => {
    reportError(error, Output.ofProcess(process));
    process.exit(exitCodeOf(error));
  },
);
