/** A control plane as a process of its own, that a test may kill: `bun child-control.ts DIRECTORY ADS-PORT`. Prints its API's URL. */
import { silentLog } from "../../../src/kernel/index.ts";
import { startControl } from "../../../src/control/index.ts";

const [dataDir = "", port = "0"] = process.argv.slice(2);
const address = "127.0.0.1";
const control = await startControl({
  dataDir,
  api: { address, port: 0 },
  ads: { address, port: Number(port) },
  log: silentLog,
});
process.stdout.write(`${JSON.stringify({ apiUrl: control.apiUrl, adsPort: control.ads.port })}\n`);
