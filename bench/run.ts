/** `npm run bench -- SCENARIO`: peers side by side in interleaved rounds, medians of each figure. See docs/performance.md. */
import { readFileSync, writeFileSync } from "node:fs";
import { cpus } from "node:os";
import { parseArgs } from "node:util";
import { runLoad } from "./load.ts";
import { cpuUs, median, memory } from "./measure.ts";
import type { Peer, RunningPeer } from "./peers/peer.ts";
import { Bench } from "./processes.ts";
import { type Scenario, scenarios } from "./scenarios/index.ts";
import { startUpstream } from "./upstream.ts";

interface Figures {
  readonly cpuUsPerRequest: number;
  readonly requestsPerSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly p999Ms: number;
  readonly rssMb: number;
  readonly privateMb: number;
  readonly errors: number;
}

const figureNames = [
  ...([
    "cpuUsPerRequest",
    "requestsPerSecond",
    "p50Ms",
    "p99Ms",
    "p999Ms",
    "rssMb",
    "privateMb",
    "errors",
  ] as const),
];

const { values, positionals } = parseArgs({
  args: Bun.argv.slice(2),
  allowPositionals: true,
  options: {
    list: { type: "boolean" },
    rounds: { type: "string", default: "5" },
    seconds: { type: "string", default: "5" },
    peers: { type: "string" },
    json: { type: "string" },
  },
});

if (values.list === true) {
  for (const scenario of scenarios)
    console.log(`${scenario.name}\t${scenario.summary}\t${scenario.peers.map((p) => p.name).join(",")}`);
} else {
  await main();
}

async function main(): Promise<void> {
  const scenario = scenarios.find((candidate) => candidate.name === positionals[0]);
  const rounds = Number(values.rounds);
  const seconds = Number(values.seconds);
  if (scenario === undefined || !(rounds >= 1 && rounds <= 100) || !(seconds >= 1 && seconds <= 600)) {
    console.error(
      "usage: npm run bench -- SCENARIO [--rounds 1..100] [--seconds 1..600] [--peers a,b] [--json FILE] | --list",
    );
    process.exit(64);
  }
  const wanted = values.peers?.split(",");
  const peers = scenario.peers.filter((peer) => wanted === undefined || wanted.includes(peer.name));
  const present = peers.filter((peer) => {
    const missing = peer.missing();
    if (missing !== undefined) console.error(`${peer.name} left out: needs ${missing}`);
    return missing === undefined;
  });
  const results = await measure(scenario, present, rounds, seconds);
  const report = { scenario: scenario.name, machine: machine(), rounds, unit: "request", results };
  for (const [name, figures] of Object.entries(results)) {
    const line = figureNames.map(
      (figure) => `${figure}=${figures[figure].toFixed(figure === "errors" ? 0 : 2)}`,
    );
    console.log(`${name.padEnd(10)} ${figures.version.padEnd(8)} ${line.join(" ")}`);
  }
  if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify(report, null, 2)}\n`);
}

async function measure(
  scenario: Scenario,
  peers: readonly Peer[],
  rounds: number,
  seconds: number,
): Promise<Record<string, Figures & { version: string }>> {
  await using bench = new Bench();
  const upstreamPort = await startUpstream(bench);
  const running: { peer: Peer; started: RunningPeer; figures: Figures[] }[] = [];
  for (const peer of peers)
    running.push({ peer, started: await peer.start(bench, upstreamPort), figures: [] });
  // The first load of each peer warms its pools and its compiler, and is thrown away.
  for (const { started } of running) await oneRound(bench, scenario, started, Math.max(3, seconds));
  for (let round = 0; round < rounds; round++) {
    for (const { peer, started, figures } of running) {
      const result = await oneRound(bench, scenario, started, seconds);
      figures.push(result);
      console.error(
        `round ${round + 1}/${rounds} ${peer.name}: ${result.cpuUsPerRequest.toFixed(1)} µs/request`,
      );
    }
  }
  return Object.fromEntries(
    running.map(({ peer, started, figures }) => [
      peer.name,
      { version: started.version, ...medians(figures) },
    ]),
  );
}

async function oneRound(
  bench: Bench,
  scenario: Scenario,
  peer: RunningPeer,
  seconds: number,
): Promise<Figures> {
  const total = (figure: (pid: number) => number): number =>
    peer.pids.reduce((sum, pid) => sum + figure(pid), 0);
  const before = total(cpuUs);
  const load = await runLoad(bench, {
    url: peer.url,
    connections: scenario.connections,
    seconds,
    headers: scenario.headers,
  });
  return {
    cpuUsPerRequest: (total(cpuUs) - before) / load.requests,
    requestsPerSecond: load.requestsPerSecond,
    p50Ms: load.p50Ms,
    p99Ms: load.p99Ms,
    p999Ms: load.p999Ms,
    rssMb: total((pid) => memory(pid).rssMb),
    privateMb: total((pid) => memory(pid).privateMb),
    errors: load.errors,
  };
}

function medians(rounds: readonly Figures[]): Figures {
  const of = (name: (typeof figureNames)[number]): number => median(rounds.map((figures) => figures[name]));
  return {
    cpuUsPerRequest: of("cpuUsPerRequest"),
    requestsPerSecond: of("requestsPerSecond"),
    p50Ms: of("p50Ms"),
    p99Ms: of("p99Ms"),
    p999Ms: of("p999Ms"),
    rssMb: of("rssMb"),
    privateMb: of("privateMb"),
    errors: rounds.reduce((sum, figures) => sum + figures.errors, 0),
  };
}

function machine(): string {
  const kernel = readFileSync("/proc/sys/kernel/osrelease", "utf8").trim();
  return `${cpus().length} × ${cpus()[0]?.model ?? "unknown"}, Linux ${kernel}`;
}
