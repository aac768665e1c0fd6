/**
 * Picks an endpoint of a cluster: first the group by priority and locality, then its member by the cluster's algorithm.
 * Who is fit is counted anew about ten times a second; between two counts a pick that meets nobody fit in its group looks
 * into the others, so a group that has just failed as a whole costs time and no request.
 */
import {
  groupByLocality,
  type GroupState,
  type MemberGroup,
  type MembersByHealth,
  minFitOf,
  panicOf,
  type Place,
  shareBetween,
} from "../../../decide/index.ts";
import type { Balancing, HashKey, Locality } from "../../../model/index.ts";
import { algorithmOf, makeBalancer } from "./algorithms.ts";
import type { Balancer, BalancerOptions, PickRequest } from "./balancer.ts";
import { mix32 } from "../../../kernel/index.ts";
import { LoadValve } from "./load-valve.ts";
import { Fitness, type PlacedMember } from "./member.ts";
import { sessionId } from "./session-id.ts";
import { WarmUp } from "./warm-up.ts";

export interface PickerSettings {
  readonly balancing: Balancing | undefined;
  readonly locality: Locality | undefined;
  /** Where this proxy is. */
  readonly own: Place;
}

const countEveryUs = 100_000;
/** So that counting a hundred thousand endpoints stays at about 1 % of a core. */
const countEveryUsPerMember = 1;

interface Group<M> extends MemberGroup<M> {
  readonly balancer: Balancer<M>;
  /** With those that are unhealthy by the control plane's word and not among the members. */
  readonly total: number;
}

export class ClusterPicker<M extends PlacedMember> {
  readonly members: readonly M[];
  /** Whether `pick` looks at its request. */
  readonly readsRequest: boolean;
  readonly #minFit: number;
  readonly #panic: number;
  readonly #fitness = new Fitness();
  readonly #warmUp: WarmUp | undefined;
  readonly #groups: readonly Group<M>[];
  readonly #valve: LoadValve | undefined;
  readonly #hashKeys: readonly HashKey[];
  /** By session id; made when the first session is looked for. */
  #sessions: Map<string, M> | undefined;
  /** By group: the sum of the shares up to and with its own. */
  #shareEnds: readonly number[] = [];
  #nextCountUs = Number.NEGATIVE_INFINITY;

  /** `previous`: the cluster's picker until now. */
  constructor(
    members: MembersByHealth<M>,
    settings: PickerSettings,
    nowUs: number,
    previous?: ClusterPicker<M>,
  ) {
    const { usable, unhealthy } = members;
    this.members = usable;
    const { balancing, locality, own } = settings;
    this.#minFit = minFitOf(locality);
    this.#panic = panicOf(balancing);
    const { isHashed } = algorithmOf(balancing);
    this.#hashKeys = isHashed ? (balancing?.hashKeys ?? []) : [];
    this.readsRequest = this.#hashKeys.length > 0;
    this.#warmUp = WarmUp.of(balancing?.slowStart);
    this.#warmUp?.welcome(usable, nowUs);
    for (const member of unhealthy) this.#warmUp?.observe(member, false, nowUs);
    const options = balancerOptions(balancing, this.#fitness, this.#warmUp);
    const before = previous === undefined ? [] : previous.#groups;
    const absent = groupByLocality(unhealthy, locality, own);
    this.#groups = groupByLocality(usable, locality, own).map((group) => ({
      ...group,
      total: group.members.length + (absent.find(({ name }) => name === group.name)?.members.length ?? 0),
      balancer: makeBalancer(
        balancing,
        group.members,
        options,
        before.find(({ name }) => name === group.name)?.balancer,
      ),
    }));
    const [near, far] = this.#groups;
    // Between priorities, and where the operator has given shares, load has no say; keys of requests must not wander.
    const hasShares = (locality?.weights.length ?? 0) > 0;
    const mayYield = !isHashed && !hasShares && near !== undefined && near.priority === far?.priority;
    const valve = previous === undefined ? undefined : previous.#valve;
    this.#valve = mayYield ? (valve ?? new LoadValve()) : undefined;
  }

  /** See `Balancer.pick`. */
  pick(nowUs: number, random: () => number, tried?: readonly M[], request?: PickRequest): M | undefined {
    if (nowUs >= this.#nextCountUs) this.#count(nowUs);
    const chosen = this.#groups[this.#groups.length === 1 ? 0 : this.#chooseGroup(random, request)];
    const member = chosen?.balancer.pick(nowUs, random, tried, request);
    if (this.#groups.length <= 1) return member;
    if (member === undefined || !this.#fitness.isFit(member, nowUs)) {
      return this.#pickElsewhere(nowUs, random, tried, request) ?? member;
    }
    if (chosen?.level !== 0 || this.#valve?.isStrained(member, nowUs) !== true) return member;
    const far = this.#groups[1]?.balancer.pick(nowUs, random, tried, request);
    if (far === undefined || !this.#fitness.isFit(far, nowUs)) return member;
    return this.#valve.yields(member, far, nowUs) ? far : member;
  }

  /** The member that a session names, where it is fit and was not tried. */
  ofSession(id: string, nowUs: number, tried?: readonly M[]): M | undefined {
    this.#sessions ??= new Map(this.members.map((member) => [sessionId(member.key), member]));
    if (nowUs >= this.#nextCountUs) this.#count(nowUs);
    const member = this.#sessions.get(id);
    if (member === undefined || tried?.includes(member) === true) return undefined;
    return this.#fitness.isFit(member, nowUs) ? member : undefined;
  }

  /** Index of a group by its share: by chance, or by the request's hash where that is what keeps requests together. */
  #chooseGroup(random: () => number, request: PickRequest | undefined): number {
    const ends = this.#shareEnds;
    if (ends[0] === 1) return 0;
    const hash = this.readsRequest ? request?.hash(this.#hashKeys) : undefined;
    // Mixed: within the group the same hash chooses again.
    const point = hash === undefined ? random() : mix32(hash) / 0x1_0000_0000;
    for (let i = 0; i < ends.length; i++) if (point < (ends[i] ?? 1)) return i;
    return Math.max(0, ends.length - 1);
  }

  #pickElsewhere(
    nowUs: number,
    random: () => number,
    tried: readonly M[] | undefined,
    request: PickRequest | undefined,
  ): M | undefined {
    let lastResort: M | undefined;
    for (const { balancer } of this.#groups) {
      const member = balancer.pick(nowUs, random, tried, request);
      if (member === undefined) continue;
      if (this.#fitness.isFit(member, nowUs)) return member;
      lastResort ??= member;
    }
    return lastResort;
  }

  #count(nowUs: number): void {
    this.#nextCountUs = nowUs + countEveryUs + this.members.length * countEveryUsPerMember;
    const groups = this.#groups.map((group): GroupState => {
      const { level, weight, members, total } = group;
      return { level, weight, usable: members.length, total, fit: this.#countFit(members, nowUs) };
    });
    const { isPanic, shares } = shareBetween(groups, this.#minFit, this.#panic);
    this.#fitness.isPanic = isPanic;
    let end = 0;
    this.#shareEnds = shares.map((share) => (end += share));
    if (this.#valve !== undefined) this.#observeNear(this.#valve, nowUs);
  }

  #countFit(members: readonly M[], nowUs: number): number {
    let fit = 0;
    for (const member of members) {
      const isFit = member.isFit(nowUs);
      if (isFit) fit++;
      this.#warmUp?.observe(member, isFit, nowUs);
    }
    return fit;
  }

  #observeNear(valve: LoadValve, nowUs: number): void {
    let lowestUs = Number.POSITIVE_INFINITY;
    for (const { latency } of this.#groups[0]?.members ?? []) {
      if (latency.isMeasured) lowestUs = Math.min(lowestUs, latency.estimateUs(nowUs));
    }
    if (lowestUs < Number.POSITIVE_INFINITY) valve.observe(lowestUs, nowUs);
  }
}

function balancerOptions(
  balancing: Balancing | undefined,
  fitness: Fitness,
  warmUp: WarmUp | undefined,
): BalancerOptions {
  if (balancing === undefined) return { fitness, warmUp };
  const { hashKeys, ringSize, tableSize } = balancing;
  return { fitness, warmUp, hashKeys, ringSize, tableSize };
}
