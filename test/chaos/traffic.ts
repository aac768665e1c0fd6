/** Everybody calls everybody, all the time: what came of each request, and whether that is as it must be. */
import type { ChaosMesh, Workload } from "./chaos-mesh.ts";
import type { Denials, Door } from "./denials.ts";
import { generationHeader, isAllowed, outboundPort, services } from "./shape.ts";

export interface Answer {
  readonly caller: string;
  readonly target: number;
  readonly beginMs: number;
  readonly endMs: number;
  /** 0: none came. */
  readonly status: number;
  readonly detail: string;
}

export interface Tally {
  readonly requests: number;
  readonly allowed: number;
  readonly denied: number;
  /** Somebody was let in who must not be, or kept out by a policy who may come in. */
  readonly wrongVerdicts: readonly Answer[];
  /** Neither a right answer nor a right refusal. */
  readonly failures: readonly Answer[];
}

const everyMs = 100;
const timeoutMs = 8_000;
/** For messages: more of them say nothing new. */
const maxKept = 1_000;

export class Traffic {
  readonly #mesh: ChaosMesh;
  readonly #denials: Denials;
  readonly #random: () => number;
  readonly #generations = new Map<string, number>();
  #tally = emptyTally();
  #isRunning = true;
  readonly #loops: Promise<void>[];

  constructor(mesh: ChaosMesh, denials: Denials, random: () => number) {
    this.#mesh = mesh;
    this.#denials = denials;
    this.#random = random;
    this.#loops = mesh.workloads.map((workload) => this.#loop(workload));
  }

  /** Lowest generation that any caller has seen with its last good answer. */
  get generation(): number {
    return Math.min(...this.#mesh.workloads.map(({ place }) => this.#generations.get(place.name) ?? 0));
  }

  /** Callers that have not seen it yet. */
  behind(generation: number): string[] {
    return this.#mesh.workloads
      .map(({ place }) => place.name)
      .filter((name) => (this.#generations.get(name) ?? 0) < generation);
  }

  /** Since the last call. */
  take(): Tally {
    const taken = this.#tally;
    this.#tally = emptyTally();
    return taken;
  }

  async stop(): Promise<void> {
    this.#isRunning = false;
    await Promise.all(this.#loops);
  }

  async #loop(workload: Workload): Promise<void> {
    while (this.#isRunning) {
      const begunMs = performance.now();
      await this.#call(workload);
      await Bun.sleep(Math.max(1, everyMs * (0.5 + this.#random()) - (performance.now() - begunMs)));
    }
  }

  async #call({ place, address }: Workload): Promise<void> {
    const target = Math.floor(this.#random() * services.length);
    const beginMs = performance.now();
    const before = this.#denials.door(place.service, target);
    let status = 0;
    let detail = "";
    try {
      const response = await fetch(`http://${address}:${outboundPort(target)}/`, {
        signal: AbortSignal.timeout(timeoutMs),
      });
      detail = (await response.text()).slice(0, 200);
      status = response.status;
      const seen = Number(response.headers.get(generationHeader) ?? 0);
      if (status === 200) this.#generations.set(place.name, seen);
    } catch (error) {
      detail = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
    }
    const after = this.#denials.door(place.service, target);
    const expected = isAllowed(place.service, target) ? during(before, after) : "shut";
    const endMs = performance.now();
    this.#judge({ caller: place.name, target, beginMs, endMs, status, detail }, expected);
  }

  #judge(answer: Answer, expected: Door["verdict"]): void {
    const tally = this.#tally;
    tally.requests++;
    if (answer.status === 200) {
      if (expected === "shut") keep(tally.wrongVerdicts, answer);
      else tally.allowed++;
    } else if (answer.status === 403) {
      if (expected === "open") keep(tally.wrongVerdicts, answer);
      else tally.denied++;
    } else {
      keep(tally.failures, answer);
    }
  }
}

/** What held all the while that a request was under way. */
function during(before: Door, after: Door): Door["verdict"] {
  if (before.epoch === after.epoch) return before.verdict;
  // Another pair's door has moved, or this one's has.
  return before.verdict === "open" && after.verdict === "open" && after.epoch === before.epoch + 1
    ? "open"
    : "either";
}

interface OpenTally {
  requests: number;
  allowed: number;
  denied: number;
  wrongVerdicts: Answer[];
  failures: Answer[];
}

function emptyTally(): OpenTally {
  return { requests: 0, allowed: 0, denied: 0, wrongVerdicts: [], failures: [] };
}

function keep(list: Answer[], answer: Answer): void {
  if (list.length < maxKept) list.push(answer);
}
