/** Which endpoints of a cluster take requests at all. */
import { type Endpoint, Health } from "../model/index.ts";

interface Member {
  readonly endpoint: Pick<Endpoint, "weight" | "health">;
}

export interface MembersByHealth<M> {
  readonly usable: readonly M[];
  /** Left out by the control plane's word: they count when it is asked how much of a locality is fit. */
  readonly unhealthy: readonly M[];
}

/** Healthy ones; where there are none, unhealthy before draining ones: a bad chance is better than a sure refusal. */
export function splitByHealth<M extends Member>(members: readonly M[]): MembersByHealth<M> {
  const weighted = members.filter((member) => member.endpoint.weight > 0);
  const of = (healths: readonly Health[]) =>
    weighted.filter((member) => healths.includes(member.endpoint.health));
  const healthy = of([Health.UNSPECIFIED, Health.HEALTHY]);
  const unhealthy = of([Health.UNHEALTHY]);
  if (healthy.length > 0) return { usable: healthy, unhealthy };
  return { usable: unhealthy.length > 0 ? unhealthy : of([Health.DRAINING]), unhealthy: [] };
}
