/** Admissions over configurations: what stays, what follows a change, what cannot be prepared. */
import { expect, test } from "bun:test";
import { create } from "@bufbuild/protobuf";
import {
  type Admission,
  AdmissionSchema,
  InboundSchema,
  type Mesh,
  MeshSchema,
  RateLimitSchema,
} from "../../model/index.ts";
import { fakeSnapshot } from "../testing/fake-agent.ts";
import { Scene } from "./rate-limit/testing/filter-scene.ts";
import { Admissions, type FilterFactories } from "./admissions.ts";
import type { RequestFilter } from "./filter.ts";

const open = (): RequestFilter => ({ start: () => "continue", cancel() {} });
const limited = (): Admission =>
  create(AdmissionSchema, { rateLimits: [create(RateLimitSchema, { requests: 1n, periodMs: 1_000 })] });

function admissions(scene: Scene, factories: Partial<FilterFactories> = {}): Admissions {
  return new Admissions(scene.context, {
    authorization: open,
    jwt: open,
    external: open,
    rateLimits: open,
    ...factories,
  });
}

function configured(mesh: Mesh, ...all: Admission[]) {
  return fakeSnapshot({ mesh, inbound: create(InboundSchema, { workload: "n/w", admissions: all }) });
}

const meshOf = (...trustDomainAliases: string[]): Mesh =>
  create(MeshSchema, { trustDomain: "mesh", trustDomainAliases });

test("a limit is made anew where the mesh takes other identities for its own, and otherwise stays", () => {
  using scene = new Scene();
  const it = admissions(scene);
  const filterAt = (mesh: Mesh): RequestFilter | undefined => {
    const admission = limited();
    it.applySnapshot(configured(mesh, admission));
    return it.chainOf(admission).filters[0];
  };
  const first = filterAt(meshOf());
  expect(filterAt(meshOf())).toBe(first);
  const withAlias = filterAt(meshOf("old"));
  expect(withAlias).toBeDefined();
  expect(withAlias).not.toBe(first);
});

test("a listener's and a rule's filters are joined once", () => {
  using scene = new Scene();
  const it = admissions(scene);
  const [a, b] = [limited(), limited()];
  it.applySnapshot(configured(meshOf(), a, b));
  expect(it.filtersOf(a, b)).toEqual([...it.chainOf(a).filters, ...it.chainOf(b).filters]);
  expect(it.filtersOf(a, b)).toBe(it.filtersOf(a, b));
  expect(it.filtersOf(undefined, b)).toBe(it.chainOf(b).filters);
  expect(it.filtersOf(undefined, undefined)).toEqual([]);
});

test("what cannot be prepared refuses everything, which is said once and shows until it is gone", () => {
  using scene = new Scene();
  const it = admissions(scene, {
    rateLimits: () => {
      throw new Error("no such thing");
    },
  });
  for (let i = 0; i < 3; i++) {
    const admission = limited();
    it.applySnapshot(configured(meshOf(), admission));
    expect(it.chainOf(admission).filters).toHaveLength(1);
  }
  expect(scene.log.filter((line) => line.includes("cannot be prepared"))).toHaveLength(1);
  expect(it.failures()).toEqual([
    "n/w: its policies cannot be prepared, so it refuses everything: no such thing",
  ]);
  it.applySnapshot(configured(meshOf()));
  expect(it.failures()).toEqual([]);
});
