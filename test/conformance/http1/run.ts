/**
 * The vectors against proxies: `npm run conformance:http1 -- --peers weft,nginx,haproxy,envoy --markdown FILE`. Prints what each
 * did otherwise than the table says; ends with 1 where weft is among them.
 */
import { parseArgs } from "node:util";
import { envoy, haproxy, nginx, type Peer, weft } from "./peers/index.ts";
import { markdown, summaryLines } from "./report.ts";
import { runTable, type TableRun } from "./run-table.ts";

const peers: Readonly<Record<string, Peer>> = { weft, nginx, haproxy, envoy };
const laneCount = 8;
/** Peers share the machine with others; only what is wrong waits that long. */
const patienceMs = 1_500;

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: { peers: { type: "string", default: "weft" }, markdown: { type: "string" } },
  });
  const names = values.peers.split(",");
  const unknown = names.filter((name) => peers[name] === undefined);
  if (unknown.length > 0) {
    console.error(`unknown peer ${unknown.join(", ")}; peers are ${Object.keys(peers).join(", ")}`);
    return 64;
  }
  const results = new Map<string, TableRun>();
  for (const name of names) {
    const peer = peers[name];
    const missing = peer?.missing();
    if (peer === undefined || missing !== undefined) {
      console.error(`${name} is not installed: ${missing ?? ""}`);
      return 64;
    }
    const run = await runTable(peer, laneCount, patienceMs);
    results.set(name, run);
    for (const { kind, title, verdict, did, detail } of run.rows) {
      if (verdict === "right" || verdict === "choice" || verdict === "safe" || verdict === "repaired")
        continue;
      console.log(
        `${name}: ${verdict}: ${kind} ${JSON.stringify(title)}: ${JSON.stringify(did)}; ${JSON.stringify(detail)}`,
      );
    }
  }
  for (const line of summaryLines(results)) console.log(line);
  if (values.markdown !== undefined) await Bun.write(values.markdown, markdown(results));
  const isWeftRight = results.get("weft")?.rows.every(({ verdict }) => verdict === "right") ?? true;
  return isWeftRight ? 0 : 1;
}

process.exit(await main());
