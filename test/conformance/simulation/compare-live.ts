/**
 * Random configurations in a running mesh and a change of each, really made: what clients and applications saw before and
 * after it against what the oracle foretells, what `simulate()` says of the objects that the server has, which flips the
 * control plane's plan told of, and tests made of what was seen.
 */
import { seededRandom } from "../../../src/decide/test/random-routing.ts";
import type { Stored } from "../../../src/api/index.ts";
import type { Random } from "../authorization/random.ts";
import { type Applied, overlaid, type Question } from "./applied.ts";
import { kindOf } from "./compare-simulation.ts";
import { liveDifferences } from "./live-differences.ts";
import {
  allOf,
  type Ending,
  flipDifferences,
  flipsOf,
  foretoldEnding,
  plannedFlips,
  seenEnding,
  seenOf,
} from "./ending.ts";
import { expectedOfSeen, mutate } from "./expected.ts";
import { type Circumstances, foretell, type Foretold } from "./foretell.ts";
import { misjudged } from "./judged-test.ts";
import type { LiveAnswer, LiveMesh } from "./live-mesh.ts";
import { randomCase } from "./random-case.ts";
import { type Change, randomChange } from "./random-change.ts";
import { simulatedDifferences, simulatedMesh } from "./simulated.ts";
import { simulatedRequest } from "./simulated-request.ts";
import { worldObjects } from "./world.ts";

const noCounts = {
  /** Requests that were really made: where the mesh, and where `simulate()`, is not as the oracle foretold. */
  ...{ requests: 0, live: 0, simulated: 0 },
  /** Of pairs of request and change: flips, and those on which the plan is not as the oracle, or what was seen, says. */
  ...{ planned: 0, flips: 0, flipsForetold: 0, flipsSeen: 0 },
  /** Tests made of what was seen, as they are and with one expectation changed; and those that end otherwise. */
  ...{ tests: 0, misjudged: 0 },
};

export interface LiveComparison {
  readonly configurations: number;
  readonly kinds: ReadonlyMap<string, number>;
  readonly counts: Readonly<typeof noCounts>;
  /** The first few. */
  readonly differences: readonly string[];
}

const maxTold = 5;
/** Requests under way at once: the machine's two cores are the proxies' too. */
const atOnce = 5;

/** `pairs`: of request and change; each request is made twice. `most`: requests under one configuration. */
export async function compareLive(
  mesh: LiveMesh,
  { pairs, seed, most = Infinity }: { readonly pairs: number; readonly seed: number; readonly most?: number },
): Promise<LiveComparison> {
  const comparing = new LiveComparing(mesh, seededRandom(seed), await mesh.trustDomain());
  while (comparing.counts.planned < pairs) {
    await comparing.next(Math.min(most, pairs - comparing.counts.planned));
  }
  const { configurations, kinds, counts, differences } = comparing;
  return { configurations, kinds, counts, differences };
}

interface Stage {
  readonly asked: readonly { readonly foretold: Ending; readonly seen: Ending }[];
}

class LiveComparing {
  configurations = 0;
  readonly kinds = new Map<string, number>();
  readonly differences: string[] = [];
  readonly counts = { ...noCounts };
  readonly #mesh: LiveMesh;
  readonly #random: Random;
  readonly #trustDomain: string;

  constructor(mesh: LiveMesh, random: Random, trustDomain: string) {
    this.#mesh = mesh;
    this.#random = random;
    this.#trustDomain = trustDomain;
  }

  async next(most: number): Promise<void> {
    const mesh = this.#mesh;
    const { objects, questions: all } = randomCase(this.#random, mesh.world);
    const questions = all.slice(0, most);
    const present = overlaid(worldObjects(), objects);
    const fresh = randomCase(this.#random, mesh.world, 0).objects;
    const change = randomChange(this.#random, present, objects, fresh);
    await mesh.become(objects);
    const before = await this.#ask(questions, objects, undefined);
    await mesh.untilAllIsOlder();
    const report = await mesh.plan(change, questions);
    await mesh.apply(change);
    const after = await this.#ask(questions, objects, change);
    const sides = questions.flatMap((question, index) => {
      const [old, now] = [before.asked[index], after.asked[index]];
      return old === undefined || now === undefined ? [] : [{ question, old, now }];
    });
    const foretold = flipsOf(
      sides.map(({ question, old, now }) => ({ question, before: old.foretold, after: now.foretold })),
      allOf,
    );
    const seen = flipsOf(
      sides.map(({ question, old, now }) => ({ question, before: old.seen, after: now.seen })),
      seenOf,
    );
    const ofOracle = flipDifferences(plannedFlips(report.flips, allOf), foretold);
    const ofMesh = flipDifferences(plannedFlips(report.flips, seenOf), seen);
    this.#tell({ foretold: ofOracle, seen: ofMesh }, { objects, change });
    const { counts } = this;
    counts.planned += questions.length;
    counts.flips += foretold.values().reduce((sum, each) => sum + each, 0);
    counts.flipsForetold += ofOracle.length;
    counts.flipsSeen += ofMesh.length;
  }

  async #ask(
    questions: readonly Question[],
    objects: readonly Applied[],
    change: Change | undefined,
  ): Promise<Stage> {
    this.configurations++;
    const stored = await this.#mesh.stored();
    const circumstances: Circumstances = { trustDomain: this.#trustDomain, nowMs: Date.now() };
    const simulated = simulatedMesh(stored, circumstances);
    const applied = asApplied(stored);
    const expected = questions.map((question) => ({
      question,
      foretold: foretell(applied, question, circumstances),
    }));
    const answers: LiveAnswer[] = [];
    for (let i = 0; i < expected.length; i += atOnce) {
      const some = expected.slice(i, i + atOnce).map(async ({ question, foretold }) => {
        const isCarried = foretold.verdict === "forwarded" || foretold.verdict === "unknown";
        return await this.#mesh.ask(question, isCarried ? foretold.copies.sure.length : 0);
      });
      answers.push(...(await Promise.all(some)));
    }
    const asked = expected.flatMap(({ question, foretold }, index) => {
      const answer = answers[index];
      if (answer === undefined) return [];
      const kind = kindOf(foretold);
      this.kinds.set(kind, (this.kinds.get(kind) ?? 0) + 1);
      const live = liveDifferences(question, foretold, answer);
      const said = simulatedDifferences(question, foretold, simulated.simulate(simulatedRequest(question)));
      this.#tell({ live, simulated: said }, { question, objects, change });
      this.counts.requests++;
      if (live.length > 0) this.counts.live++;
      if (said.length > 0) this.counts.simulated++;
      return [{ question, answer, foretold }];
    });
    this.#test(asked, simulated, { objects, change });
    return {
      asked: asked.map(({ question, answer, foretold }) => ({
        foretold: foretoldEnding(question, foretold),
        seen: seenEnding(question, answer, foretold),
      })),
    };
  }

  #test(
    asked: readonly {
      readonly question: Question;
      readonly answer: LiveAnswer;
      readonly foretold: Foretold;
    }[],
    mesh: ReturnType<typeof simulatedMesh>,
    context: object,
  ): void {
    const right = asked.map(({ question, answer, foretold }) => ({
      question,
      expected: expectedOfSeen(this.#random, question, answer, foretold),
      wrong: undefined,
    }));
    const wrong = asked.map(({ question, foretold }, index) => {
      const mutated = mutate(this.#random, question, foretold, right[index]?.expected ?? new Map());
      return { question, expected: mutated.expected, wrong: mutated.field };
    });
    for (const tests of [right, wrong]) {
      const found = misjudged(mesh, tests);
      this.counts.tests += tests.length;
      this.counts.misjudged += found.length;
      const [first] = found;
      if (first === undefined) continue;
      const { question, expected, wrong: field } = first.test;
      this.#tell(
        { test: first.said.length > 0 ? first.said : ["it passes"] },
        { question, expected: [...expected], field, ...context },
      );
    }
  }

  #tell(lines: Readonly<Record<string, readonly string[]>>, context: object): void {
    if (Object.values(lines).every((each) => each.length === 0) || this.differences.length === maxTold)
      return;
    this.differences.push(JSON.stringify({ ...lines, ...context }, undefined, 1));
  }
}

/** The oracle reads texts, not what a parser has made of them. */
function asApplied(stored: readonly Stored[]): Applied[] {
  const read: Applied[] = JSON.parse(JSON.stringify(stored));
  return read;
}
