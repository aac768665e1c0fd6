/**
 * What weft takes of Gateway API's kinds against the published CRDs: schema and CEL rules, over a corpus of valid and
 * invalid objects. A difference has to be named in `differences.ts`.
 */
import { describe, expect, test } from "bun:test";
import { findKind, isKindName, parseObject } from "../../../src/api/index.ts";
import { issueLine } from "../../../src/kernel/index.ts";
import { crdIssues, withDefaults } from "./crd-validation.ts";
import { type Crd, type CrdRule, loadCrds } from "./crds.ts";
import { differenceOf, neverBroken } from "./differences.ts";
import { mutated, type Random } from "./mutate.ts";
import { broken } from "./broken.ts";
import { seeds } from "./seeds.ts";

/** The same each time, so that what the corpus covers is; other seeds and more objects find what is left. */
const seed = Number(process.env["WEFT_TEST_SEED"] ?? 1);
const objectsPerKind = Number(process.env["WEFT_TEST_OBJECTS"] ?? 800);
const crds = (await loadCrds()).filter(({ kind }) => isKindName(kind));

function named(kind: string, spec: unknown): object {
  return { apiVersion: "gateway.networking.k8s.io/v1", kind, metadata: { name: "a" }, spec };
}

function ours(object: object): string[] {
  const parsed = parseObject(object, "write");
  return "issues" in parsed ? parsed.issues.map(issueLine) : [];
}

/** Which rules have been broken by some object. */
class Coverage {
  readonly #seen = new Map<string, boolean>();

  onRule({ rule, message }: CrdRule, holds: boolean): void {
    const key = message === "" ? rule : message;
    this.#seen.set(key, !holds || this.#seen.get(key) === true);
  }

  get unbroken(): string[] {
    return [...this.#seen].filter(([, isBroken]) => !isBroken).map(([rule]) => rule);
  }
}

/** mulberry32. */
function seededRandom(start: number): Random {
  let state = start >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let value = Math.imul(state ^ (state >>> 15), state | 1);
    value ^= value + Math.imul(value ^ (value >>> 7), value | 61);
    return ((value ^ (value >>> 14)) >>> 0) / 2 ** 32;
  };
}

test("there are CRDs of every kind of Gateway API that weft has", () => {
  expect(crds.length).toBeGreaterThan(7);
  expect(crds.map(({ kind }) => findKind(kind))).not.toContain(undefined);
  expect(crds.filter(({ kind }) => (seeds[kind] ?? []).length === 0)).toEqual([]);
});

describe.each(crds.map((crd) => [crd.kind, crd] as const))("%s", (kind, crd) => {
  test("the seeds are valid", () => {
    for (const spec of seeds[kind] ?? []) {
      expect(theirs(crd, named(kind, spec), new Coverage())).toEqual([]);
      expect(ours(named(kind, spec))).toEqual([]);
    }
  });

  test.each(broken[kind] ?? [])("broken object %# is refused by both", (spec) => {
    expect(theirs(crd, named(kind, spec), new Coverage())).not.toEqual([]);
    expect(ours(named(kind, spec))).not.toEqual([]);
  });

  test(`the verdict is the same as the CRD's (WEFT_TEST_SEED=${seed})`, () => {
    const random = seededRandom(seed);
    const coverage = new Coverage();
    const specs = seeds[kind] ?? [];
    const schema = crd.schema.properties.get("spec");
    if (schema === undefined) throw new Error("no spec");
    for (const spec of [...specs, ...(broken[kind] ?? [])]) theirs(crd, named(kind, spec), coverage);
    const differing: object[] = [];
    let valid = 0;
    for (let i = 0; i < objectsPerKind; i++) {
      const object = named(kind, mutated(specs[i % specs.length] ?? {}, schema, random));
      const published = theirs(crd, object, coverage);
      const own = ours(object);
      if (published.length === 0) valid++;
      if ((published.length === 0) === (own.length === 0)) continue;
      if (differenceOf({ published, own }) === undefined) differing.push({ published, own, object });
    }
    expect(differing.slice(0, 3)).toEqual([]);
    // A corpus of one verdict would compare nothing.
    expect(valid).toBeGreaterThan(objectsPerKind / 20);
    expect(valid).toBeLessThan((objectsPerKind * 19) / 20);
    expect(coverage.unbroken.filter((rule) => !neverBroken.has(rule))).toEqual([]);
  }, 120_000);
});

function theirs(crd: Crd, object: object, coverage: Coverage): string[] {
  return crdIssues(crd.schema, withDefaults(crd.schema, object), coverage);
}
