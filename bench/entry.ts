/** What became of each peer in a run, and the figures that come out of it. */
import { type FigureName, type Figures, medians } from "./figures.ts";
import { median } from "./measure.ts";
import type { Peer, RunningPeer } from "./peers/peer.ts";
import type { PeerResult } from "./result-file.ts";

/** One peer with one number of routes and of policies. */
export class Entry {
  readonly peer: Peer;
  readonly routes: number;
  readonly policies: number;
  readonly rounds: Figures[] = [];
  errors = 0;
  failure: string | undefined = undefined;
  version = "";
  /** Before any load. */
  idle: Figures = {};
  running: RunningPeer | undefined = undefined;

  constructor(peer: Peer, routes: number, policies = 0) {
    this.peer = peer;
    this.routes = routes;
    this.policies = policies;
  }

  get label(): string {
    if (this.policies > 0) return `${this.peer.name} with ${this.policies} policies`;
    return this.routes === 1 ? this.peer.name : `${this.peer.name} with ${this.routes} routes`;
  }
}

export interface ScenarioOutcome {
  readonly results: Readonly<Record<string, PeerResult>>;
  /** Why a peer has no figures. */
  readonly failures: Readonly<Record<string, string>>;
}

export function outcomeOf(entries: readonly Entry[]): ScenarioOutcome {
  const results: Record<string, PeerResult> = {};
  const failures: Record<string, string> = {};
  const baseline = entries.find(({ peer }) => peer.name === "direct");
  const plain = entries.find(({ peer }) => peer.name === "weft-plain");
  const byPeer = Map.groupBy(entries, ({ peer }) => peer.name);
  for (const [name, own] of byPeer) {
    const errors = own.reduce((sum, entry) => sum + entry.errors, 0);
    const failure = own.find((entry) => entry.failure !== undefined)?.failure;
    const last = own.at(-1);
    if (failure !== undefined || last === undefined) failures[name] = failure ?? "it never ran";
    else if (errors > 0) {
      failures[name] = `${errors} errors, so no figure`;
      results[name] = { version: last.version, errors };
    } else {
      const figures = { ...medians(last.rounds), ...last.idle };
      const more = { ...againstFewer(own), ...againstPlain(plain, last), ...addedTo(baseline, last) };
      results[name] = { version: last.version, ...figures, ...more, errors };
    }
  }
  return { results, failures };
}

/** The same peer with the fewest routes or policies, where there are several numbers of them. */
function againstFewer(own: readonly Entry[]): Figures {
  const [first, last] = [own[0], own.at(-1)];
  if (first === undefined || last === undefined || first === last) return {};
  const [one, cpuRatio] = [medians(first.rounds), pairedCpuRatio(last, first)];
  if (one.cpuUsPerRequest === undefined || cpuRatio === undefined) return {};
  if (first.policies !== last.policies) {
    return {
      cpuUsPerRequestNoPolicy: one.cpuUsPerRequest,
      cpuRatioNoPolicy: cpuRatio,
      ...(one.rssMb === undefined ? {} : { rssMbNoPolicy: one.rssMb }),
    };
  }
  return {
    cpuUsPerRequestOneRoute: one.cpuUsPerRequest,
    cpuRatio,
    ...(one.rssMb === undefined ? {} : { rssMbOneRoute: one.rssMb }),
  };
}

function againstPlain(plain: Entry | undefined, entry: Entry): Figures {
  const cpuRatioPlain = plain === undefined || plain === entry ? undefined : pairedCpuRatio(entry, plain);
  if (plain === undefined || cpuRatioPlain === undefined) return {};
  const { addedCpuUs } = medians(differences(entry, plain, { addedCpuUs: "cpuUsPerRequest" }));
  return { cpuRatioPlain, ...(addedCpuUs === undefined ? {} : { addedCpuUs }) };
}

/** The median of each round's ratio: a machine that others slow down for a while slows both of one round. */
function pairedCpuRatio(entry: Entry, base: Entry): number | undefined {
  const ratios = entry.rounds.map(
    ({ cpuUsPerRequest }, round) => (cpuUsPerRequest ?? NaN) / (base.rounds[round]?.cpuUsPerRequest ?? NaN),
  );
  return ratios.length === 0 || ratios.some(Number.isNaN) ? undefined : median(ratios);
}

function addedTo(baseline: Entry | undefined, entry: Entry): Figures {
  if (baseline === undefined || baseline === entry) return {};
  return medians(differences(entry, baseline, { addedP50Ms: "p50Ms", addedP99Ms: "p99Ms" }));
}

/** To the base, round by round: what slows both in one round cancels out. */
function differences(
  entry: Entry,
  base: Entry,
  names: Readonly<Partial<Record<FigureName, FigureName>>>,
): Figures[] {
  return entry.rounds.map((figures, round) =>
    Object.fromEntries(
      Object.entries(names).map(([added, of]) => [
        added,
        (figures[of] ?? NaN) - (base.rounds[round]?.[of] ?? NaN),
      ]),
    ),
  );
}
