/** When a figure is good, worth a look or bad; the same everywhere, and never told by colour alone. */
export type Level = "ok" | "note" | "bad" | "none";

const noteBelow = 0.999;
const badBelow = 0.95;

export function levelOfSuccess(successRate: number, count = 1): Level {
  if (count <= 0) return "none";
  if (successRate < badBelow) return "bad";
  return successRate < noteBelow ? "note" : "ok";
}

export function levelOfService(service: {
  readonly requestsPerSecond: number;
  readonly successRate: number;
  readonly workloads: number;
  readonly ready: number;
}): Level {
  if (service.workloads > 0 && service.ready === 0) return "bad";
  const traffic = levelOfSuccess(service.successRate, service.requestsPerSecond);
  if (traffic === "bad" || service.ready >= service.workloads) return traffic;
  return "note";
}

const order: Readonly<Record<Level, number>> = { bad: 0, note: 1, ok: 2, none: 3 };

export function worst(levels: Iterable<Level>): Level {
  let found: Level = "none";
  for (const level of levels) if (order[level] < order[found]) found = level;
  return found;
}

export function compareLevels(a: Level, b: Level): number {
  return order[a] - order[b];
}
