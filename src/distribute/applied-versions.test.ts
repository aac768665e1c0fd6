/** What is shared says the same as what is not: held against a plain table, over random histories. */
import { expect, test } from "bun:test";
import { AppliedVersions } from "./applied-versions.ts";
import { maxSetMembers, type MemberSet } from "./member-set.ts";

function setOf(cluster: string, versions: Readonly<Record<string, string>>): MemberSet {
  const resources = new Map(
    Object.entries(versions).map(([key, version]) => {
      const closure = { clusters: [], certificates: [] };
      return [key, { key, version, bytes: new Uint8Array(0), closure }] as const;
    }),
  );
  return { cluster, members: new Set(resources.keys()), resources };
}

const clusterOf = (endpoint: string): string => endpoint.split("#")[0] ?? "";

function contents(applied: AppliedVersions): [string, string | undefined][] {
  return [...applied.names()]
    .map(({ kind, key }): [string, string | undefined] => [key, applied.get(kind, key)])
    .toSorted(([a], [b]) => (a < b ? -1 : 1));
}

test("a set is one thing until an endpoint of it differs, and one again when it does not", () => {
  const applied = new AppliedVersions(clusterOf);
  const old = setOf("c", { "c#1": "1", "c#2": "1" });
  const now = setOf("c", { "c#1": "2", "c#2": "1" });
  const interests = { memberSet: () => now };
  expect(applied.hasNoneOf(old)).toBe(true);
  applied.setAll(old);
  expect(applied.hasNoneOf(now)).toBe(false);
  applied.set("Endpoint", "c#1", "2");
  expect(applied.get("Endpoint", "c#1")).toBe("2");
  expect(applied.ownEndpoints).toBe(1);
  applied.shareAll(["c"], interests);
  expect(applied.ownEndpoints).toBe(0);
  expect(contents(applied)).toEqual([
    ["c#1", "2"],
    ["c#2", "1"],
  ]);
});

test("what it has otherwise than the newest set stays as it is", () => {
  const applied = new AppliedVersions(clusterOf);
  applied.setAll(setOf("c", { "c#1": "1", "c#2": "1" }));
  applied.set("Endpoint", "c#1", "2");
  applied.shareAll(["c"], { memberSet: () => setOf("c", { "c#1": "3", "c#2": "1" }) });
  expect(applied.get("Endpoint", "c#1")).toBe("2");
  expect(applied.get("Endpoint", "c#2")).toBe("1");
});

test("an endpoint that is taken out of a set leaves the others", () => {
  const applied = new AppliedVersions(clusterOf);
  applied.setAll(setOf("c", { "c#1": "1", "c#2": "1" }));
  applied.delete("Endpoint", "c#1");
  expect(contents(applied)).toEqual([["c#2", "1"]]);
  expect(applied.hasNoneOf(setOf("c", { "c#1": "1" }))).toBe(true);
});

test("says what a plain table says, whatever happened", () => {
  let state = 7;
  const draw = (below: number): number => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    return (state >>> 8) % below;
  };
  let shared = 0;
  for (let round = 0; round < 50; round++) {
    const applied = new AppliedVersions(clusterOf);
    const plain = new Map<string, string>();
    for (let step = 0; step < 60; step++) {
      const cluster = `c${draw(3)}`;
      const versions = Object.fromEntries(
        Array.from({ length: 1 + draw(6) }, (_, i) => [`${cluster}#${i}`, String(draw(2))]),
      );
      const key = `${cluster}#${draw(6)}`;
      const now = { memberSet: (name: string) => (name === cluster ? setOf(cluster, versions) : undefined) };
      switch (draw(5)) {
        case 0:
          if (!applied.hasNoneOf(setOf(cluster, versions))) break;
          applied.setAll(setOf(cluster, versions));
          for (const [name, version] of Object.entries(versions)) plain.set(name, version);
          break;
        case 1:
          applied.delete("Endpoint", key);
          plain.delete(key);
          break;
        case 2:
          applied.dissolve(cluster);
          break;
        case 3: {
          const before = applied.ownEndpoints;
          applied.shareAll([cluster], now);
          if (applied.ownEndpoints < before) shared++;
          break;
        }
        default:
          applied.set("Endpoint", key, "1");
          plain.set(key, "1");
      }
      expect(contents(applied)).toEqual([...plain].toSorted(([a], [b]) => (a < b ? -1 : 1)));
    }
  }
  expect(shared).toBeGreaterThan(10);
  expect(maxSetMembers).toBeLessThanOrEqual(256);
});
