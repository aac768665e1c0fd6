/**
 * Endpoints that balancers keep away from because they are slow: of these there are a few answers a minute, too few for what is judged
 * by half a minute's answers, and every one of them is slow.
 */
import { type Aggregator, Figures } from "../../../observe/index.ts";
import { allEndpointFigures } from "../endpoint-figures.ts";
import { slowerByMs, timesAsSlow } from "./traffic-findings.ts";

/** Long enough for balancers to have tried it again, more than once. */
const longestMs = 60_000;
/** Slow answers within one slot may be one pause. */
const minSlots = 2;
const minSiblingRequests = 10;
/** Of what its siblings get in the mean: less is not chance. */
const avoidedShare = 1 / 3;

export interface AvoidedEndpoint {
  readonly service: string;
  readonly workload: string;
  readonly own: Figures;
  readonly siblings: Figures;
}

type Endpoints = ReadonlyMap<string, Figures>;

export function avoidedEndpoints(aggregator: Aggregator): AvoidedEndpoint[] {
  const slots = newestSlots(aggregator);
  const services = new Map<string, Set<string>>();
  for (const slot of slots) {
    for (const [service, endpoints] of slot)
      services.set(service, (services.get(service) ?? new Set()).union(new Set(endpoints.keys())));
  }
  return [...services].flatMap(([service, workloads]) => {
    if (workloads.size < 2) return [];
    const ofService = slots.map((slot) => slot.get(service) ?? new Map<string, Figures>());
    return [...workloads].flatMap((workload) => {
      const found = sinceTheLastButOne(workload, ofService);
      return found !== undefined && isAvoidedAndSlow(found, workloads.size - 1)
        ? [{ service, workload, ...found }]
        : [];
    });
  });
}

/** By service and workload, the newest first. */
function newestSlots(aggregator: Aggregator): ReadonlyMap<string, Endpoints>[] {
  const { detail } = aggregator;
  const { fromMs, toMs } = detail.span(longestMs);
  const slots: ReadonlyMap<string, Endpoints>[] = [];
  for (let startMs = fromMs; startMs < toMs; startMs += detail.slotMs) {
    const slot = { fromMs: startMs, toMs: startMs + detail.slotMs, coveredMs: detail.slotMs };
    slots.unshift(allEndpointFigures(aggregator, slot));
  }
  return slots;
}

/** What it and its siblings had in the time that goes back to the last but one slot in which it answered. */
function sinceTheLastButOne(
  workload: string,
  slots: readonly Endpoints[],
): Pick<AvoidedEndpoint, "own" | "siblings"> | undefined {
  const [own, siblings] = [new Figures(), new Figures()];
  let answeredIn = 0;
  for (const slot of slots) {
    for (const [name, figures] of slot) (name === workload ? own : siblings).merge(figures);
    if (slot.has(workload)) answeredIn++;
    if (answeredIn === minSlots) return { own, siblings };
  }
  return undefined;
}

function isAvoidedAndSlow(
  { own, siblings }: Pick<AvoidedEndpoint, "own" | "siblings">,
  siblingCount: number,
): boolean {
  if (siblings.count < minSiblingRequests) return false;
  if (own.count > (avoidedShare * siblings.count) / siblingCount) return false;
  // The fastest of its answers against half of theirs.
  const [fastestMs, othersMs] = [own.quantileMs(0), siblings.quantileMs(0.5)];
  return fastestMs >= timesAsSlow * othersMs && fastestMs - othersMs >= slowerByMs;
}
