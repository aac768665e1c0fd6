/** A proposal finds what two compilers that know nothing of each other find, and leaves no trace. */
import { expect, test } from "bun:test";
import { keyOf, keyText, type Stored } from "../../../src/api/index.ts";
import { randomChange, type Random, seededRandom } from "../../../src/compile/test/random-mesh.ts";
import { touchedProxies } from "../../../src/simulate/plan/effective-change.ts";
import { proxiesOfObjects } from "../../../src/simulate/plan/proxies.ts";
import { runAtOnce, runSteps } from "../../../src/kernel/index.ts";
import { nameText, type ObjectChanges, TrackedMesh } from "../../../src/simulate/plan/tracked-mesh.ts";

const options = { trustDomain: "0a1b2c3d.weft" };

function meshOf(objects: readonly Stored[]): TrackedMesh {
  const mesh = new TrackedMesh(options);
  runAtOnce(mesh.sync(objects));
  for (const { roots } of proxiesOfObjects(mesh)) for (const root of roots) runAtOnce(mesh.track(root));
  return mesh;
}

function randomObjects(random: Random, count: number): Map<string, Stored> {
  const objects = new Map<string, Stored>();
  for (let i = 0; i < count; i++) {
    const { object } = randomChange(random, 1);
    objects.set(keyText(keyOf(object)), object);
  }
  return objects;
}

function randomChanges(random: Random, objects: ReadonlyMap<string, Stored>): ObjectChanges {
  const upserted = randomObjects(random, 1 + Math.floor(random() * 3));
  const removed = [...objects.values()].filter(
    (object) => random() < 0.03 && !upserted.has(keyText(keyOf(object))),
  );
  return {
    upserted: [...upserted.values()].map((object) => withGeneration(object, 7)),
    removed: removed.map((object) => keyOf(object)),
  };
}

function withGeneration(object: Stored, generation: number): Stored {
  const copy = structuredClone(object);
  Object.assign(copy.metadata, { generation });
  return copy;
}

/** Every resource of every proxy, with its version. */
function effective(
  mesh: TrackedMesh,
  proxies: ReturnType<typeof proxiesOfObjects>,
): Map<string, Map<string, string>> {
  return new Map(
    proxies.map(({ name, role, roots }) => {
      const own = new Map<string, string>();
      for (const root of roots) {
        for (const each of [root, ...mesh.closureOf(root)]) {
          const version = mesh.resource(each)?.version;
          if (version !== undefined) own.set(nameText(each), version);
        }
      }
      return [`${role} ${name}`, own];
    }),
  );
}

test("what a proposal touches is what differs between the mesh before and the mesh after", () => {
  const seed = 4711;
  const random = seededRandom(seed);
  let touchedCount = 0;
  for (let round = 0; round < 60; round++) {
    const objects = randomObjects(random, 40);
    const mesh = meshOf([...objects.values()]);
    const proxies = proxiesOfObjects(mesh);
    const before = effective(mesh, proxies);
    for (let proposal = 0; proposal < 3; proposal++) {
      const changes = randomChanges(random, objects);
      const found = runAtOnce(mesh.propose(changes));
      const touched = runAtOnce(touchedProxies(mesh, found, proxies));
      const naive = new TrackedMesh(options);
      runAtOnce(naive.sync([...objects.values()]));
      const next = new Map(objects);
      for (const key of changes.removed) next.delete(keyText(key));
      for (const object of changes.upserted) next.set(keyText(keyOf(object)), object);
      runAtOnce(naive.sync([...next.values()]));
      const after = effective(naive, proxies);
      const expected = new Map(
        [...after].flatMap(([name, own]) => {
          const old = before.get(name) ?? new Map();
          const keys = new Set([...own.keys(), ...old.keys()]);
          const different = [...keys]
            .filter((key) => own.get(key) !== old.get(key))
            .toSorted((a, b) => (a < b ? -1 : 1));
          return different.length === 0 ? [] : [[name, different] as const];
        }),
      );
      const actual = new Map(
        touched.map(({ proxy, changes: own }) => [
          `${proxy.role} ${proxy.name}`,
          own.map(({ resource }) => nameText(resource)),
        ]),
      );
      touchedCount += touched.length;
      const context = `seed ${seed} round ${round} proposal ${proposal}`;
      expect({ context, touched: actual }).toEqual({ context, touched: expected });
      runAtOnce(mesh.withdraw(changes));
      expect({ context, after: effective(mesh, proxies) }).toEqual({ context, after: before });
    }
  }
  expect(touchedCount).toBeGreaterThan(100);
}, 60_000);

test("long work lets others go first", async () => {
  let turns = 0;
  function* work(): Generator<void, string, void> {
    const end = performance.now() + 60;
    while (performance.now() < end) yield;
    return "done";
  }
  const result = await runSteps(work(), async () => {
    turns++;
    await Promise.resolve();
  });
  expect(result).toBe("done");
  expect(turns).toBeGreaterThan(1);
});
