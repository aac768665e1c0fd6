/** One round: load goes through one peer, and what the peer used meanwhile is counted. */
import { type Figures, type Unit, unitFigures } from "../figures.ts";
import type { LoadReport } from "../loads/load-report.ts";
import { usage } from "../measure.ts";
import type { RunningPeer } from "../peers/peer.ts";
import type { Bench } from "../processes.ts";
import type { Scenario } from "../scenarios/scenario.ts";

export interface RoundTask {
  /** For the load's own programs and files. */
  readonly bench: Bench;
  readonly scenario: Scenario;
  readonly peer: RunningPeer;
  readonly routes: number;
  readonly seconds: number;
}

export interface RoundResult {
  readonly figures: Figures;
  readonly errors: number;
}

export async function measured(
  { peer, scenario }: RoundTask,
  load: () => Promise<LoadReport>,
): Promise<RoundResult> {
  const before = usage(peer.pids);
  const report = await load();
  const after = usage(peer.pids);
  return {
    errors: report.errors,
    figures: {
      ...latenciesOf(report),
      ...(peer.pids.length === 0
        ? { requestsPerSecond: report.work / report.seconds }
        : used(scenario.unit, report, before.cpuUs, after)),
    },
  };
}

function used(
  unit: Unit,
  { work, seconds }: LoadReport,
  cpuUsBefore: number,
  after: ReturnType<typeof usage>,
): Figures {
  return {
    ...unitFigures(unit, work, after.cpuUs - cpuUsBefore, seconds),
    rssMb: after.rssMb,
    privateMb: after.privateMb,
  };
}

function latenciesOf({ p50Ms, p99Ms, p999Ms, maxMs }: LoadReport): Figures {
  return {
    ...(p50Ms === undefined ? {} : { p50Ms }),
    ...(p99Ms === undefined ? {} : { p99Ms }),
    ...(p999Ms === undefined ? {} : { p999Ms }),
    ...(maxMs === undefined ? {} : { maxMs }),
  };
}
