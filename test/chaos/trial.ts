/** One fault tried: begun, healed, and what of the invariants held meanwhile. */
import { readFileSync } from "node:fs";
import { eventually } from "../e2e/harness/eventually.ts";
import type { ChaosMesh } from "./chaos-mesh.ts";
import { CpuWait } from "./cpu-wait.ts";
import type { Chaos, Effect, Fault } from "./fault.ts";
import { generation } from "./shape.ts";
import type { Answer, Tally, Traffic } from "./traffic.ts";

const convergeWithinMs = 5_000;
const maxControlMb = 400;
const maxProxyMb = 150;
/** Longer than allowed is as bad, but says how long. */
const convergeTimeoutMs = 60_000;
/** Of kinds of failures in a message. */
const maxGroups = 6;

export interface Trial {
  readonly fault: string;
  readonly hit: string;
  readonly tally: Tally;
  readonly unexplained: readonly Answer[];
  readonly convergedMs: number | undefined;
  /** Who had not converged when everybody should have, and what they say. */
  readonly late: readonly string[];
  readonly lost: readonly string[];
  readonly controlMb: number;
  readonly proxyMb: number;
  /** Share of the time in which something on this machine waited for a processor. Undefined: it does not say. */
  readonly cpuWait: number | undefined;
  readonly problem: string;
  /** Processes that do not run although nothing is broken any more. */
  readonly ended: readonly string[];
}

/** `number`: of the generation that everybody must have in the end, as no other trial's. */
export async function tryFault(fault: Fault, chaos: Chaos, traffic: Traffic, number: number): Promise<Trial> {
  const { mesh, ledger } = chaos;
  traffic.take();
  const cpu = new CpuWait();
  const { effect, problem: faultProblem } = await harmAndHeal(fault, chaos);
  const healedMs = performance.now();
  const healedAt = new Date().toISOString();
  let problem = faultProblem;
  let convergedMs: number | undefined;
  let committedMs = 0;
  let late: readonly string[] = [];
  const whenLate = setTimeout(() => (late = lateOf(mesh, traffic, number)), convergeWithinMs);
  try {
    await commitGeneration(mesh, number);
    committedMs = performance.now() - healedMs;
    await untilSeen(traffic, number);
    convergedMs = performance.now() - healedMs;
    if (convergedMs > convergeWithinMs)
      late = [`committed after ${Math.round(committedMs)} ms, healed at ${healedAt}`, ...late];
  } catch (error) {
    problem ||= textOf(error);
  } finally {
    clearTimeout(whenLate);
  }
  const tally = traffic.take();
  return {
    cpuWait: cpu.share,
    ...{ fault: fault.name, hit: effect.hit, tally, convergedMs, late, problem, ended: endedOf(mesh) },
    lost: await eventually(async () => {
      const missing = await ledger.missing();
      if (missing.length > 0) throw new Error(missing.slice(0, 3).join("; "));
      return missing;
    }, convergeWithinMs).catch((error: unknown) => [textOf(error)]),
    unexplained: tally.failures.filter((answer) => effect.explains?.(answer) !== true),
    controlMb: Math.max(...mesh.controls.map(({ process: running }) => residentMb(running.pid))),
    proxyMb: Math.max(...mesh.workloads.map(({ process: running }) => residentMb(running.pid))),
  };
}

/** A commit that somebody takes, seen in an answer to every caller. */
export async function converge(mesh: ChaosMesh, traffic: Traffic, number: number): Promise<void> {
  await commitGeneration(mesh, number);
  await untilSeen(traffic, number);
}

async function commitGeneration(mesh: ChaosMesh, number: number): Promise<void> {
  let turn = 0;
  await eventually(async () => {
    const control = mesh.controls[turn++ % mesh.controls.length];
    await control?.client.transact({ message: `generation ${number}`, objects: generation(number) });
  }, convergeTimeoutMs);
}

async function untilSeen(traffic: Traffic, number: number): Promise<void> {
  await eventually(() => {
    const behind = traffic.behind(number);
    if (behind.length > 0) throw new Error(`still behind: ${behind.join(", ")}`);
  }, convergeTimeoutMs);
}

async function harmAndHeal(
  fault: Fault,
  chaos: Chaos,
): Promise<{ readonly effect: Effect; readonly problem: string }> {
  const healing = new AsyncDisposableStack();
  let effect: Effect = { hit: "nothing" };
  let problem = "";
  try {
    effect = await fault.begin(chaos, healing);
    await Bun.sleep(fault.lastsMs);
  } catch (error) {
    problem = `the fault did not begin: ${textOf(error)}`;
  }
  try {
    await healing.disposeAsync();
  } catch (error) {
    problem ||= `the fault was not healed: ${textOf(error)}`;
  }
  return { effect, problem };
}

export function violationsOf(trial: Trial): string[] {
  const { tally, unexplained, lost, convergedMs, late, problem, ended, controlMb, proxyMb } = trial;
  const found: string[] = [];
  if (tally.requests === 0) found.push("nothing was asked");
  if (tally.wrongVerdicts.length > 0)
    found.push(`${tally.wrongVerdicts.length} wrong verdicts: ${grouped(tally.wrongVerdicts)}`);
  if (unexplained.length > 0)
    found.push(`${unexplained.length} failures unexplained: ${grouped(unexplained)}`);
  if (lost.length > 0) found.push(`lost: ${lost.join("; ")}`);
  if (convergedMs === undefined) found.push(`did not converge: ${problem}`);
  else if (problem !== "") found.push(problem);
  else if (convergedMs > convergeWithinMs)
    found.push(`took ${Math.round(convergedMs)} ms to converge; late: ${late.join("; ")}`);
  if (ended.length > 0) found.push(`ended without being asked to: ${ended.join(", ")}`);
  if (controlMb > maxControlMb) found.push(`a control plane has ${Math.round(controlMb)} MB`);
  if (proxyMb > maxProxyMb) found.push(`a proxy has ${Math.round(proxyMb)} MB`);
  return found;
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
      const times = all.map(({ beginMs }) => Math.round(beginMs));
      const callers = [...new Set(all.map(({ caller }) => caller))].slice(0, maxGroups).join(" ");
      return `\n    ${all.length} × ${what} (${callers}; begun ${Math.min(...times)} to ${Math.max(...times)} ms)`;
    })
    .join("");
}

function lateOf({ workloads }: ChaosMesh, traffic: Traffic, number: number): string[] {
  const behind = traffic.behind(number);
  return workloads
    .filter(({ place }) => behind.includes(place.name))
    .slice(0, maxGroups)
    .map(({ place, process: running }) => `${place.name} (${lastLines(running.stderr)})`);
}

function endedOf({ controls, workloads }: ChaosMesh): string[] {
  return [
    ...controls.map(({ index, process: running }) => ({ name: `control plane ${index}`, running })),
    ...workloads.map(({ place, process: running }) => ({ name: place.name, running })),
  ]
    .filter(({ running }) => residentMb(running.pid) === 0)
    .map(({ name, running }) => `${name} (${lastLines(running.stderr)})`);
}

function lastLines(text: string): string {
  return text.split("\n").slice(-4).join(" ").slice(-500);
}

function residentMb(pid: number): number {
  try {
    const line = /^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"));
    return Number(line?.[1] ?? 0) / 1_024;
  } catch {
    return 0;
  }
}

function textOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
