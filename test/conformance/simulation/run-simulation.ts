/**
 * `npm run conformance -- simulation`: random pairs of configuration and request through `simulate()`, `weft plan` and `weft test`
 * against the oracle; with `--live` also through a running mesh. `WEFT_TEST_SEED` repeats a run.
 */
import { compareLive } from "./compare-live.ts";
import { comparePlan } from "./compare-plan.ts";
import { compareSimulation, type Comparison } from "./compare-simulation.ts";
import { compareTests } from "./compare-tests.ts";
import { LiveMesh } from "./live-mesh.ts";

const pairs = 20_000;
const livePairs = 10_000;

export async function runSimulation(isLive: boolean): Promise<boolean> {
  const seed = Number(process.env["WEFT_TEST_SEED"] ?? Math.floor(Math.random() * 2 ** 31));
  return isLive ? await runLive(seed) : runOffline(seed);
}

/** Each has a generator of its own from the seed, so that any of them repeats alone. */
const suites: Readonly<Record<string, (pairs: number, seed: number) => Comparison>> = {
  explain: compareSimulation,
  plan: comparePlan,
  test: compareTests,
};

function runOffline(seed: number): boolean {
  let isGood = true;
  for (const [name, compare] of Object.entries(suites)) {
    const { pairs: done, kinds, different, difference } = compare(pairs, seed);
    console.log(`${name}: ${done} pairs, ${different} differ (WEFT_TEST_SEED=${seed})`);
    console.log(table(kinds));
    if (difference !== undefined) console.log(`the first difference: ${difference}`);
    isGood = different === 0 && isGood;
  }
  return isGood;
}
async function runLive(seed: number): Promise<boolean> {
  await using mesh = await LiveMesh.start();
  const { configurations, kinds, counts, differences } = await compareLive(mesh, { pairs: livePairs, seed });
  const { requests, live, simulated, planned, flips, flipsForetold, flipsSeen, tests, misjudged } = counts;
  console.log(
    [
      `explain: ${requests} requests to a running mesh under ${configurations} configurations; not as foretold: ${live} of the mesh, ${simulated} of simulate() (WEFT_TEST_SEED=${seed})`,
      table(kinds),
      `plan: ${planned} requests before and after a change, ${flips} of them flip; not as planned: ${flipsForetold} as foretold, ${flipsSeen} as seen`,
      `test: ${tests} tests of what was seen; ${misjudged} do not end as they must`,
    ].join("\n"),
  );
  for (const difference of differences) console.log(`a difference: ${difference}`);
  return live + simulated + flipsForetold + flipsSeen + misjudged === 0;
}

function table(kinds: ReadonlyMap<string, number>): string {
  return [...kinds]
    .toSorted(([, a], [, b]) => b - a)
    .map(([kind, count]) => `  ${String(count).padStart(6)} ${kind}`)
    .join("\n");
}
