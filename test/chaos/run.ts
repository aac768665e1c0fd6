/**
 * `npm run chaos [-- --seed N --rounds N --only TEXT]`: a mesh of twenty workloads with three control planes over an etcd of three, everybody
 * calling everybody all the time, and one fault after another in an order that the seed gives. Checked all along: no wrong verdict, no
 * failed request that the fault does not explain, no acknowledged write lost, convergence within five seconds of healing, bounded memory.
 * Prints a table; exits with 1 where an invariant did not hold.
 */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { eventually } from "../e2e/harness/eventually.ts";
import { SmallDisk } from "../e2e/harness/small-disk.ts";
import { findEtcd } from "../../src/store/etcd/testing/etcd-server.ts";
import { ChaosMesh } from "./chaos-mesh.ts";
import type { Chaos, Fault, Healing } from "./fault.ts";
import { advance, faultsFor } from "./faults.ts";
import { Denials } from "./denials.ts";
import { Ledger } from "./ledger.ts";
import { type Answer, type Tally, Traffic } from "./traffic.ts";

const { values } = parseArgs({
  options: {
    seed: { type: "string" },
    rounds: { type: "string", default: "1" },
    only: { type: "string", default: "" },
  },
});
const seed = Number(values.seed ?? Math.floor(Math.random() * 2 ** 31));
const convergeWithinMs = 5_000;
/** Longer is as bad, but says how long. */
const convergeTimeoutMs = 60_000;
/** Of kinds of failures in a message. */
const maxGroups = 6;
const maxControlMb = 400;
const maxProxyMb = 150;

interface Row {
  readonly fault: string;
  readonly hit: string;
  readonly tally: Tally;
  readonly unexplained: readonly Answer[];
  readonly convergedMs: number | undefined;
  readonly lost: readonly string[];
  readonly controlMb: number;
  readonly proxyMb: number;
  readonly problem: string;
  /** Processes that do not run although nothing is broken any more. */
  readonly ended: readonly string[];
}

function seeded(from: number): () => number {
  let state = from;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

function findFaketime(): string | undefined {
  const folders = existsSync("/usr/lib") ? readdirSync("/usr/lib").map((name) => join("/usr/lib", name)) : [];
  return folders
    .map((folder) => join(folder, "faketime", "libfaketime.so.1"))
    .find((file) => existsSync(file));
}

function shuffled<T>(items: readonly T[], random: () => number): T[] {
  return items
    .map((item) => ({ item, place: random() }))
    .toSorted((a, b) => a.place - b.place)
    .map(({ item }) => item);
}

function residentMb(pid: number): number {
  try {
    const line = /^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"));
    return Number(line?.[1] ?? 0) / 1_024;
  } catch {
    return 0;
  }
}

async function tryFault(fault: Fault, chaos: Chaos, traffic: Traffic, number: number): Promise<Row> {
  const { mesh, ledger } = chaos;
  traffic.take();
  let problem = "";
  let healing: Healing = { hit: "nothing", async heal() {} };
  try {
    healing = await fault.begin(chaos);
    await Bun.sleep(fault.lastsMs);
    await healing.heal();
  } catch (error) {
    problem = `the fault: ${error instanceof Error ? error.message : String(error)}`;
  }
  const healedMs = performance.now();
  let convergedMs: number | undefined;
  try {
    await advance(mesh, number, convergeTimeoutMs);
    await eventually(() => {
      const behind = traffic.behind(number);
      if (behind.length > 0) throw new Error(`still behind: ${behind.join(", ")}`);
    }, convergeTimeoutMs);
    convergedMs = performance.now() - healedMs;
  } catch (error) {
    problem ||= error instanceof Error ? error.message : String(error);
  }
  const tally = traffic.take();
  const lost = await eventually(async () => {
    const missing = await ledger.missing();
    if (missing.length > 0) throw new Error(missing.slice(0, 3).join("; "));
    return missing;
  }, convergeWithinMs).catch((error: unknown) => [error instanceof Error ? error.message : String(error)]);
  return {
    ...{ fault: fault.name, hit: healing.hit, tally, lost, convergedMs, problem, ended: endedOf(mesh) },
    unexplained: tally.failures.filter((answer) => healing.explains?.(answer) !== true),
    controlMb: Math.max(...mesh.controls.map(({ process: running }) => residentMb(running.pid))),
    proxyMb: Math.max(...mesh.workloads.map(({ process: running }) => residentMb(running.pid))),
  };
}

function endedOf({ controls, workloads }: ChaosMesh): string[] {
  return [
    ...controls.map(({ index, process: running }) => ({ name: `control plane ${index}`, running })),
    ...workloads.map(({ place, process: running }) => ({ name: place.name, running })),
  ]
    .filter(({ running }) => residentMb(running.pid) === 0)
    .map(({ name, running }) => `${name} (${running.stderr.split("\n").slice(-4).join(" ").slice(-500)})`);
}

/** Alike ones together: how many, from when to when, and by whom. */
function grouped(answers: readonly Answer[]): string {
  const groups = Map.groupBy(
    answers,
    ({ status, target, detail }) => `${status} of s${target}: ${detail.slice(0, 120)}`,
  );
  return [...groups]
    .toSorted(([, a], [, b]) => b.length - a.length)
    .slice(0, maxGroups)
    .map(([what, all]) => {
      const times = all.map(({ atMs }) => Math.round(atMs));
      const callers = [...new Set(all.map(({ caller }) => caller))].slice(0, maxGroups).join(" ");
      return `\n    ${all.length} × ${what} (${callers}; begun ${Math.min(...times)} to ${Math.max(...times)} ms)`;
    })
    .join("");
}

function violations(row: Row): string[] {
  const found: string[] = [];
  if (row.tally.wrongVerdicts.length > 0)
    found.push(`${row.tally.wrongVerdicts.length} wrong verdicts: ${grouped(row.tally.wrongVerdicts)}`);
  if (row.unexplained.length > 0)
    found.push(`${row.unexplained.length} failures unexplained: ${grouped(row.unexplained)}`);
  if (row.lost.length > 0) found.push(`lost: ${row.lost.join("; ")}`);
  if (row.convergedMs === undefined) found.push(`did not converge: ${row.problem}`);
  else if (row.problem !== "") found.push(row.problem);
  else if (row.convergedMs > convergeWithinMs)
    found.push(`took ${Math.round(row.convergedMs)} ms to converge`);
  if (row.ended.length > 0) found.push(`ended without being asked to: ${row.ended.join(", ")}`);
  if (row.controlMb > maxControlMb) found.push(`a control plane has ${Math.round(row.controlMb)} MB`);
  if (row.proxyMb > maxProxyMb) found.push(`a proxy has ${Math.round(row.proxyMb)} MB`);
  return found;
}

function print(row: Row): void {
  const explained = row.tally.failures.length - row.unexplained.length;
  const cells = [
    ...[row.fault, row.hit, String(row.tally.requests), String(row.tally.wrongVerdicts.length)],
    `${explained} / ${row.unexplained.length}`,
    row.lost.length === 0 ? "0" : "some",
    row.convergedMs === undefined ? "never" : `${(row.convergedMs / 1_000).toFixed(1)} s`,
    ...[String(Math.round(row.controlMb)), String(Math.round(row.proxyMb))],
  ];
  process.stdout.write(`| ${cells.join(" | ")} |\n`);
  for (const violation of violations(row)) process.stdout.write(`  ! ${violation}\n`);
}

async function main(): Promise<number> {
  if (findEtcd() === undefined) {
    process.stderr.write("chaos: there is no etcd; node scripts/fetch-etcd.mjs gets one\n");
    return 69;
  }
  process.stdout.write(`seed ${seed}\n`);
  const random = seeded(seed);
  const means = { faketime: findFaketime(), smallDiskRefusal: SmallDisk.refusal() };
  const { faults, skipped } = faultsFor(means);
  for (const reason of skipped) process.stdout.write(`skipped: ${reason}\n`);
  const wanted = faults.filter(({ name }) => name.includes(values.only));
  await using mesh = await ChaosMesh.start(means);
  // Each with numbers of its own: what faults hit does not hang on how fast the others are.
  const denials = new Denials(mesh, seeded(seed + 1));
  const traffic = new Traffic(mesh, denials, seeded(seed + 2));
  const ledger = new Ledger(mesh, seeded(seed + 3));
  const chaos = { mesh, ledger, random };
  let number = 2;
  const rows: Row[] = [];
  process.stdout.write(
    "| fault | hit | requests | wrong verdicts | failures explained / not | writes lost | converged | control MB | proxy MB |\n| --- | --- | --- | --- | --- | --- | --- | --- | --- |\n",
  );
  try {
    await advance(mesh, number, convergeTimeoutMs);
    await eventually(() => {
      if (traffic.generation < number) throw new Error("the mesh does not run yet");
    }, convergeTimeoutMs);
    for (let round = 0; round < Number(values.rounds); round++) {
      for (const fault of shuffled(wanted, random)) {
        number++;
        const row = await tryFault(fault, chaos, traffic, number);
        rows.push(row);
        print(row);
      }
    }
  } finally {
    await traffic.stop();
    await denials.stop();
    await ledger.stop();
  }
  const broken = rows.filter((row) => violations(row).length > 0);
  const requests = rows.reduce((sum, { tally }) => sum + tally.requests, 0);
  process.stdout.write(
    `${rows.length} faults, ${requests} requests, ${ledger.acknowledged} writes acknowledged, ${ledger.refused} refused, ` +
      `${denials.shutCount} denials said to be everywhere; ` +
      `${broken.length === 0 ? "every invariant held" : `invariants broken under ${broken.map(({ fault }) => fault).join(", ")}`} (seed ${seed})\n`,
  );
  return broken.length === 0 ? 0 : 1;
}

process.exitCode = await main();
