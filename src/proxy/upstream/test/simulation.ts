/**
 * Requests over a cluster in virtual time: what an algorithm does to latency and shares, the same with every run. Servers
 * have a number of workers and a queue; one proxy sends requests at random moments (Poisson) and learns from the answers as
 * the data path does.
 */
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { BalancingSchema } from "../../../model/index.ts";
import { ClusterPicker, randomHash } from "../balancer/index.ts";
import { seeded, TestMember } from "../balancer/test/test-member.ts";

export interface SimulatedServer {
  readonly name: string;
  /** Of one request, at the least; half of them take up to twice as long. */
  readonly serviceMs: number;
  /** Requests at once; the others wait. */
  readonly workers: number;
  /** Of its answers, so many are failures, which come after a tenth of the time. */
  readonly failing?: number;
  /** When it is a member. Default: always. */
  readonly fromMs?: number;
  readonly untilMs?: number;
}

export interface Simulation {
  readonly balancing: MessageInitShape<typeof BalancingSchema>;
  readonly servers: readonly SimulatedServer[];
  readonly requestsPerSecond: number;
  readonly seconds: number;
  /** All servers stand still for the first 100 ms of so long a time, as if they shared a machine. */
  readonly stallEveryMs?: number;
  /** Requests before this are not counted: nothing has been learned yet. */
  readonly warmUpSeconds?: number;
  readonly seed?: number;
}

export interface SimulationResult {
  readonly requests: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** In [0, 1]. */
  readonly failed: number;
  /** Of the requests, by server. */
  readonly shares: ReadonlyMap<string, number>;
}

/** Somewhere in the middle of a clock's life: balancers may not rely on time that starts at 0. */
const startUs = 1_000_000_000;
const stallUs = 100_000;

class Server {
  readonly member: TestMember;
  readonly facts: SimulatedServer;
  picked = 0;
  readonly #freeUs: Float64Array;

  constructor(facts: SimulatedServer) {
    this.facts = facts;
    this.member = new TestMember(1, facts.name);
    this.#freeUs = new Float64Array(facts.workers);
  }

  isMember(nowUs: number): boolean {
    const { fromMs = 0, untilMs = Number.POSITIVE_INFINITY } = this.facts;
    const nowMs = (nowUs - startUs) / 1_000;
    return nowMs >= fromMs && nowMs < untilMs;
  }

  /** When a request that arrives now is answered. */
  serve(nowUs: number, serviceUs: number): number {
    let worker = 0;
    for (let i = 1; i < this.#freeUs.length; i++) {
      if ((this.#freeUs[i] ?? 0) < (this.#freeUs[worker] ?? 0)) worker = i;
    }
    const endUs = Math.max(nowUs, this.#freeUs[worker] ?? 0) + serviceUs;
    this.#freeUs[worker] = endUs;
    return endUs;
  }
}

interface Answer {
  readonly atUs: number;
  readonly sentUs: number;
  readonly server: Server;
  readonly isFailure: boolean;
}

export function simulate(simulation: Simulation): SimulationResult {
  const { requestsPerSecond, seconds, warmUpSeconds = 0 } = simulation;
  const random = seeded(simulation.seed);
  const servers = simulation.servers.map((facts) => new Server(facts));
  const byMember = new Map(servers.map((server) => [server.member, server]));
  const balancing = create(BalancingSchema, simulation.balancing);
  const pending = new AnswerQueue();
  const latenciesMs: number[] = [];
  let picker: ClusterPicker<TestMember> | undefined;
  let members = "";
  let failed = 0;
  const countedFromUs = startUs + warmUpSeconds * 1_000_000;
  const receive = (untilUs: number): void => {
    for (let answer = pending.takeUntil(untilUs); answer !== undefined; answer = pending.takeUntil(untilUs)) {
      const { member } = answer.server;
      const latencyUs = answer.atUs - answer.sentUs;
      member.inFlight--;
      member.latency.observe(latencyUs, answer.atUs);
      if (answer.isFailure) member.latency.observeFailure(false, answer.atUs);
      if (answer.sentUs < countedFromUs) continue;
      latenciesMs.push(latencyUs / 1_000);
      if (answer.isFailure) failed++;
    }
  };
  const endUs = startUs + seconds * 1_000_000;
  for (
    let nowUs = startUs;
    nowUs < endUs;
    nowUs -= (Math.log(1 - random()) * 1_000_000) / requestsPerSecond
  ) {
    receive(nowUs);
    const present = servers.filter((server) => server.isMember(nowUs));
    const names = present.map((server) => server.facts.name).join();
    if (picker === undefined || names !== members) {
      members = names;
      const usable = present.map((server) => server.member);
      const settings = { balancing, locality: undefined, own: { region: "", zone: "" } };
      picker = new ClusterPicker({ usable, unhealthy: [] }, settings, nowUs, picker);
    }
    const member = picker.pick(nowUs, random, undefined, { hash: () => randomHash(random) });
    const server = member && byMember.get(member);
    if (server === undefined) continue;
    const isFailure = random() < (server.facts.failing ?? 0);
    const spreadUs = server.facts.serviceMs * 1_000 * (random() < 0.5 ? 1 : 1 + random());
    const atUs = server.serve(
      stalledUntil(nowUs, simulation.stallEveryMs),
      isFailure ? spreadUs / 10 : spreadUs,
    );
    server.member.inFlight++;
    if (nowUs >= countedFromUs) server.picked++;
    pending.add({ atUs, sentUs: nowUs, server, isFailure });
  }
  receive(Number.POSITIVE_INFINITY);
  latenciesMs.sort((a, b) => a - b);
  const at = (share: number): number => latenciesMs[Math.floor(latenciesMs.length * share)] ?? 0;
  const requests = latenciesMs.length;
  const shares = new Map(servers.map(({ facts, picked }) => [facts.name, picked / requests]));
  return { requests, p50Ms: at(0.5), p99Ms: at(0.99), failed: failed / requests, shares };
}

function stalledUntil(nowUs: number, everyMs: number | undefined): number {
  if (everyMs === undefined) return nowUs;
  const sinceUs = (nowUs - startUs) % (everyMs * 1_000);
  return sinceUs < stallUs ? nowUs - sinceUs + stallUs : nowUs;
}

/** A binary heap by time. */
class AnswerQueue {
  readonly #heap: Answer[] = [];

  add(answer: Answer): void {
    const heap = this.#heap;
    let place = heap.length;
    heap.push(answer);
    while (place > 0) {
      const above = (place - 1) >> 1;
      const parent = heap[above];
      if (parent === undefined || parent.atUs <= answer.atUs) break;
      heap[place] = parent;
      place = above;
    }
    heap[place] = answer;
  }

  takeUntil(untilUs: number): Answer | undefined {
    const heap = this.#heap;
    const first = heap[0];
    if (first === undefined || first.atUs > untilUs) return undefined;
    const last = heap.pop();
    if (last === undefined || heap.length === 0) return first;
    let place = 0;
    for (;;) {
      let below = 2 * place + 1;
      if (
        (heap[below + 1]?.atUs ?? Number.POSITIVE_INFINITY) < (heap[below]?.atUs ?? Number.POSITIVE_INFINITY)
      )
        below++;
      const child = heap[below];
      if (child === undefined || child.atUs >= last.atUs) break;
      heap[place] = child;
      place = below;
    }
    heap[place] = last;
    return first;
  }
}
