/** Runs one scenario: every peer in the same run, interleaved rounds, a warm-up that is thrown away, medians. */
import { benchCertificates } from "./certificates.ts";
import { Entry, outcomeOf, type ScenarioOutcome } from "./entry.ts";
import { usage } from "./measure.ts";
import type { Peer, RunningPeer } from "./peers/peer.ts";
import { Bench } from "./processes.ts";
import type { RoundResult } from "./rounds/round.ts";
import { runRound } from "./rounds/run-round.ts";
import type { Scenario } from "./scenarios/scenario.ts";
import { startUpstream } from "./upstreams/upstream.ts";

export interface RunOptions {
  readonly rounds: number;
  readonly seconds: number;
  readonly log: (line: string) => void;
  /** Aborted: every program ends, and the run fails. */
  readonly signal: AbortSignal;
}

/**
 * Pools are full and code is compiled when each of a peer's processes has worked for this long: the two of a pair share
 * their core. On a machine that others use too that is more than one load; a peer that has little to do gets no more than some.
 */
const warmCpuUs = 4e6;
const maxWarmLoads = 6;
const maxWarmSeconds = 10;
/** Loads this short in all judge nothing. */
const minJudgedSeconds = 3;

export async function runScenario(
  scenario: Scenario,
  peers: readonly Peer[],
  options: RunOptions,
): Promise<ScenarioOutcome> {
  await using bench = Bench.open();
  options.signal.addEventListener("abort", () => void bench[Symbol.asyncDispose](), { once: true });
  const run = new ScenarioRun(bench, scenario, options, await startUpstream(bench, scenario.upstream));
  const entries = peers.flatMap((peer) =>
    scenario.routes.flatMap((routes) =>
      scenario.policies.map((policies) => new Entry(peer, routes, policies)),
    ),
  );
  if (!scenario.isFresh) for (const entry of entries) await run.attempt(entry, () => run.warmUp(entry));
  for (let round = 1; round <= options.rounds; round++) {
    // There and back: who comes second in a round comes first in the next.
    for (const entry of round % 2 === 1 ? entries : entries.toReversed()) {
      if (entry.failure !== undefined) continue;
      await run.attempt(entry, async () => {
        const { errors, figures } = await (scenario.isFresh ? run.freshRound(entry) : run.round(entry));
        entry.rounds.push(figures);
        entry.errors += errors;
        const headline = figures[scenario.headline];
        const shown = headline === undefined ? "" : ` ${scenario.headline} ${headline.toFixed(2)}`;
        options.log(`round ${round}/${options.rounds} ${entry.label}:${shown} errors ${errors}`);
      });
    }
  }
  return outcomeOf(entries);
}

class ScenarioRun {
  readonly #bench: Bench;
  readonly #scenario: Scenario;
  readonly #options: RunOptions;
  readonly #upstreamPort: number;
  readonly #certificates: ReturnType<typeof benchCertificates>;
  #nextGroup = 0;

  constructor(bench: Bench, scenario: Scenario, options: RunOptions, upstreamPort: number) {
    this.#bench = bench;
    this.#scenario = scenario;
    this.#options = options;
    this.#upstreamPort = upstreamPort;
    this.#certificates = benchCertificates(bench);
  }

  /** A peer that fails is out; the others go on. */
  async attempt(entry: Entry, act: () => Promise<void>): Promise<void> {
    this.#options.signal.throwIfAborted();
    try {
      await act();
    } catch (error) {
      entry.failure = error instanceof Error ? error.message : String(error);
      this.#options.log(`${entry.label} failed: ${entry.failure}`);
    }
  }

  async warmUp(entry: Entry): Promise<void> {
    const running = await this.#start(this.#bench.group(this.#groupName(entry)), entry);
    entry.running = running;
    const { rounds, seconds } = this.#options;
    const workedUs = (): number[] => running.pids.map((pid) => usage([pid]).cpuUs);
    const startUs = workedUs();
    for (let load = 0; load < maxWarmLoads; load++) {
      await this.#measure(entry, running, Math.min(seconds, maxWarmSeconds));
      const isWarm = workedUs().every((us, i) => us - (startUs[i] ?? 0) >= warmCpuUs);
      if (isWarm || running.pids.length === 0 || rounds * seconds < minJudgedSeconds) return;
    }
  }

  async round(entry: Entry): Promise<RoundResult> {
    if (entry.running === undefined) throw new Error("it was never started");
    return this.#measure(entry, entry.running, this.#options.seconds);
  }

  async freshRound(entry: Entry): Promise<RoundResult> {
    await using group = this.#bench.group(this.#groupName(entry));
    const running = await this.#start(group, entry);
    const result = await this.#measure(entry, running, this.#options.seconds);
    return { ...result, figures: { ...result.figures, ...entry.idle } };
  }

  async #start(group: Bench, entry: Entry): Promise<RunningPeer> {
    const { work, connections } = this.#scenario;
    const running = await entry.peer.start(group, {
      work,
      connections,
      upstreamPort: this.#upstreamPort,
      certificates: this.#certificates,
      routes: entry.routes,
      policies: entry.policies,
    });
    entry.version = running.version;
    if (running.pids.length > 0) {
      const { rssMb, privateMb } = usage(running.pids);
      entry.idle = { idleRssMb: rssMb, idlePrivateMb: privateMb };
    }
    return running;
  }

  async #measure(entry: Entry, peer: RunningPeer, seconds: number): Promise<RoundResult> {
    await using bench = this.#bench.group("load");
    return await runRound({ bench, scenario: this.#scenario, peer, routes: entry.routes, seconds });
  }

  #groupName(entry: Entry): string {
    return `${entry.peer.name}-${this.#nextGroup++}`;
  }
}
