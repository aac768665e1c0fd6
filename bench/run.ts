/** `npm run bench -- SCENARIO`: peers side by side in interleaved rounds, medians of each figure. See docs/performance.md. */
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { figureStyles, show } from "./figures.ts";
import { machine } from "./machine.ts";
import { type MeasureOptions, parseCommand, usageText } from "./options.ts";
import type { Peer } from "./peers/peer.ts";
import { loadCore } from "./processes.ts";
import { type ResultFile, writeResult } from "./result-file.ts";
import { runScenario } from "./run-scenario.ts";
import { scenarios } from "./scenarios/index.ts";
import type { Scenario } from "./scenarios/scenario.ts";
import { smokeOf } from "./scenarios/smoke.ts";

const interrupt = new AbortController();
for (const signal of ["SIGINT", "SIGTERM"] as const)
  process.once(signal, () => interrupt.abort(new Error(`ended by ${signal}`)));
try {
  process.exitCode = await main();
} catch (error) {
  if (!interrupt.signal.aborted) throw error;
  console.error("ended by a signal");
  process.exitCode = 130;
}

async function main(): Promise<number> {
  const command = parseCommand(Bun.argv.slice(2));
  switch (command.kind) {
    case "list":
      for (const { name, summary, peers } of scenarios)
        console.log(`${name}\t${summary}\t${peers.map((peer) => peer.name).join(",")}`);
      return 0;
    case "report":
      return (await import("./report.ts")).writeReport(command.directory);
    case "wrong":
      console.error(`${command.problem}\n${usageText}`);
      return 64;
    case "measure":
      return measure(command.options);
  }
}

async function measure(options: MeasureOptions): Promise<number> {
  const wanted = scenarios.filter(({ name }) => options.scenario === "all" || options.scenario === name);
  if (wanted.length === 0) {
    console.error(`there is no scenario ${options.scenario}; npm run bench -- --list shows all`);
    return 64;
  }
  // What reads results and scrapes must not take time from the proxies.
  Bun.spawnSync(["taskset", "--all-tasks", "--cpu-list", "--pid", String(loadCore), String(process.pid)]);
  if (options.scenario === "all" && options.json !== undefined) mkdirSync(options.json, { recursive: true });
  let isComplete = true;
  for (const scenario of wanted) {
    const result = await measureOne(scenario, options);
    print(scenario, result);
    if (Object.keys(result.failures).length > 0) isComplete = false;
    if (options.json === undefined) continue;
    writeResult(
      options.scenario === "all" ? join(options.json, `${scenario.name}.json`) : options.json,
      result,
    );
  }
  return isComplete ? 0 : 1;
}

async function measureOne(base: Scenario, options: MeasureOptions): Promise<ResultFile> {
  const scenario: Scenario = {
    ...(options.isSmoke ? smokeOf(base) : base),
    ...(options.connections === undefined ? {} : { connections: options.connections }),
    ...(options.headers === undefined ? {} : { headers: options.headers }),
  };
  const { load } = scenario;
  const { rounds } = options;
  const seconds = Math.max(options.seconds, load.kind === "stall" ? load.minSeconds : 0);
  const log = (line: string): void => console.error(`${scenario.name}: ${line}`);
  const peers = scenario.peers.filter((peer) => isWanted(peer, options) && isPresent(peer, log));
  const { signal } = interrupt;
  const outcome = await runScenario(scenario, peers, { rounds, seconds, log, signal });
  return {
    scenario: scenario.name,
    machine: machine(),
    date: new Date().toISOString().slice(0, 10),
    rounds,
    seconds,
    connections: scenario.connections,
    headers: scenario.headers,
    unit: scenario.unit,
    ...outcome,
  };
}

/** Differences need the run without a proxy. */
function isWanted(peer: Peer, { peers }: MeasureOptions): boolean {
  return peers === undefined || peers.includes(peer.name) || peer.name === "direct";
}

function isPresent(peer: Peer, log: (line: string) => void): boolean {
  const missing = peer.missing();
  if (missing !== undefined) log(`${peer.name} left out: needs ${missing}`);
  return missing === undefined;
}

function print(scenario: Scenario, { results, failures }: ResultFile): void {
  console.log(`\n${scenario.name}: ${scenario.summary}`);
  for (const [name, result] of Object.entries(results)) {
    const figures = scenario.columns.flatMap((column) => {
      const value = result[column];
      return value === undefined ? [] : `${figureStyles[column].label} ${show(column, value)}`;
    });
    console.log(`${name.padEnd(10)} ${result.version.padEnd(8)} ${figures.join(" · ")}`);
  }
  for (const [name, failure] of Object.entries(failures))
    console.log(`${name.padEnd(10)} failed: ${failure}`);
}
