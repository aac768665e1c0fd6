/** `npm run bench:balancing`: simulates and measures what docs/balancing.md shows, and writes it. `-- --rounds N`: of each measurement, default 5. */
import { join } from "node:path";
import { parseArgs } from "node:util";
import { BalancingAlgorithm } from "../../src/model/index.ts";
import { balancedAlgorithms, balancingScenarios } from "../../src/proxy/upstream/test/balancing-scenarios.ts";
import { simulate } from "../../src/proxy/upstream/test/simulation.ts";
import { balancingPeers, type Measured, measure, socketScenarios } from "./measure.ts";

const begin = "<!-- figures: written by npm run bench:balancing -->";
const end = "<!-- end of figures -->";
const page = join(import.meta.dir, "../../docs/balancing.md");

const { values } = parseArgs({ options: { rounds: { type: "string", default: "5" } } });
const rounds = Math.max(1, Number(values.rounds));
const text = await Bun.file(page).text();
const [head = "", rest = ""] = text.split(begin);
const tail = rest.split(end)[1] ?? "\n";
const figures = [...simulated(), ...(await measured())].join("\n");
await Bun.write(page, `${head}${begin}\n\n${figures}\n\n${end}${tail}`);
Bun.spawnSync(["npm", "exec", "biome", "--", "format", "--write", page]);
console.log(figures);

function simulated(): string[] {
  const lines = ["### In virtual time", ""];
  for (const scenario of balancingScenarios) {
    lines.push(...tableHead(`${scenario.title} (share: of ${scenario.subject})`));
    for (const algorithm of balancedAlgorithms) {
      const result = simulate({ ...scenario, balancing: { algorithm } });
      const share = result.shares.get(scenario.subject) ?? 0;
      lines.push(row(BalancingAlgorithm[algorithm], { ...result, share, failedShare: result.failed }));
    }
    lines.push("");
  }
  return lines;
}

async function measured(): Promise<string[]> {
  const lines = [`### Over real sockets, of ${rounds} rounds the one with the lowest p99`, ""];
  for (const scenario of socketScenarios) {
    const results = new Map<string, Measured[]>(balancingPeers.map(({ name }) => [name, []]));
    for (let round = 0; round < rounds; round++) {
      for (const peer of balancingPeers) results.get(peer.name)?.push(await measure(peer, scenario));
    }
    const title = `${scenario.title} (share: of the first)`;
    lines.push(
      `| ${title} | p50 ms | p99 ms | p99 ms of all rounds | share | failed |`,
      `|${" --- |".repeat(6)}`,
    );
    for (const [name, all] of results) {
      // What else the machine does only ever adds to a latency.
      const sorted = all.toSorted((a, b) => a.p99Ms - b.p99Ms);
      const [best] = sorted;
      if (best === undefined) continue;
      // A difference that is less than rounds differ by is none.
      const spread = sorted.map(({ p99Ms }) => p99Ms.toFixed(1)).join(", ");
      const cells = [name, best.p50Ms.toFixed(1), best.p99Ms.toFixed(1), spread, percent(best.share)];
      lines.push(`| ${cells.join(" | ")} | ${percent((best.failed + best.lost) / best.requests)} |`);
    }
    lines.push("");
  }
  return lines;
}

function tableHead(title: string): string[] {
  return [`| ${title} | p50 ms | p99 ms | share | failed |`, "| --- | --- | --- | --- | --- |"];
}

interface Figures {
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly share: number;
  readonly failedShare: number;
}

function percent(share: number): string {
  return `${(share * 100).toFixed(1)} %`;
}

function row(name: string, { p50Ms, p99Ms, share, failedShare }: Figures): string {
  return `| ${name} | ${p50Ms.toFixed(1)} | ${p99Ms.toFixed(1)} | ${percent(share)} | ${percent(failedShare)} |`;
}
