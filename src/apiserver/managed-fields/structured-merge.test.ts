/** Fields and their owners: what a value is made of, what an apply changes, and the laws that hold for any objects. */
import { describe, expect, test } from "bun:test";
import * as fc from "fast-check";
import { kinds } from "../../api/index.ts";
import { isEmpty, isEqual, pathsOf, pathText } from "./field-set.ts";
import { decodeFieldsV1, encodeFieldsV1 } from "./fields-v1.ts";
import {
  applyConfig,
  conflictPaths,
  conflictText,
  decodeManagers,
  encodeManagers,
  isSameManagers,
  type ManagerEntry,
  managersAfterApply,
  managersAfterUpdate,
} from "./managers.ts";
import { changedFields, fieldsOf, mergeFields, presentFields } from "./structured-merge.ts";

const service = kinds.Service.schema;
const apiVersion = "v1";
const writer = (manager: string, time = "2026-01-01T00:00:00Z") => ({
  manager,
  apiVersion,
  subresource: "",
  time,
});

interface State {
  readonly object: unknown;
  readonly entries: readonly ManagerEntry[];
}
const nothing: State = { object: undefined, entries: [] };

function apply(state: State, manager: string, config: unknown, force = false) {
  const about = { schema: service, entries: state.entries, writer: writer(manager), config };
  const object = applyConfig({ ...about, live: state.object });
  const result = managersAfterApply({ ...about, before: state.object, after: object, force });
  return { object, ...result };
}

function update(state: State, manager: string, object: unknown): State {
  const entries = managersAfterUpdate({
    schema: service,
    before: state.object,
    after: object,
    entries: state.entries,
    writer: writer(manager),
  });
  return { object, entries };
}

const ownersOf = ({ entries }: State): Record<string, string[]> =>
  Object.fromEntries(entries.map(({ manager, fields }) => [manager, [...pathsOf(fields)].map(pathText)]));

describe("fields", () => {
  test("a value is made of fields, entries and keyed items; all else is one whole", () => {
    const fields = fieldsOf(service, {
      metadata: { labels: { app: "a" } },
      spec: { selector: { app: "a" }, ports: [{ port: 80, name: "http" }], externalIPs: ["10.0.0.1"] },
    });
    expect([...pathsOf(fields)].map(pathText)).toEqual([
      ".metadata.labels.app",
      ".spec.selector",
      '.spec.ports[port=80,protocol="TCP"]',
      '.spec.ports[port=80,protocol="TCP"].port',
      '.spec.ports[port=80,protocol="TCP"].name',
      ".spec.externalIPs",
    ]);
    expect(encodeFieldsV1(fields)).toEqual({
      "f:metadata": { "f:labels": { "f:app": {} } },
      "f:spec": {
        "f:externalIPs": {},
        "f:ports": { 'k:{"port":80,"protocol":"TCP"}': { ".": {}, "f:name": {}, "f:port": {} } },
        "f:selector": {},
      },
    });
  });

  test.each([
    ["no object", "x"],
    ["an element of no known form", { spec: {} }],
    ["a broken key", { "k:{": {} }],
    ["a value that is none", { "f:a": 1 }],
  ])("%s is no fieldsV1", (_name, value) => {
    expect(decodeFieldsV1(value)).toBeUndefined();
  });

  test("a list with a key twice is one whole", () => {
    const ports = { spec: { ports: [{ port: 80 }, { port: 80, name: "b" }] } };
    expect([...pathsOf(fieldsOf(service, ports))].map(pathText)).toEqual([".spec.ports"]);
  });
});

describe("managers", () => {
  test("two own different fields of one object; each gives up what it no longer names", () => {
    const one = apply(nothing, "a", { metadata: { labels: { a: "1", x: "1" } } });
    const both = apply(one, "b", { metadata: { labels: { b: "1" } }, spec: { type: "ClusterIP" } });
    expect(both.conflicts).toEqual([]);
    const fewer = apply(both, "a", { metadata: { labels: { a: "1" } } });
    expect(fewer.object).toEqual({ metadata: { labels: { a: "1", b: "1" } }, spec: { type: "ClusterIP" } });
    const none = apply(fewer, "b", { metadata: { labels: { b: "1" } } });
    expect(none.object).toEqual({ metadata: { labels: { a: "1", b: "1" } } });
  });

  test("a field that two own stays until both have given it up", () => {
    const shared = { metadata: { labels: { s: "1" } } };
    const both = apply(apply(nothing, "a", shared), "b", shared);
    expect(both.conflicts).toEqual([]);
    const left = apply(both, "a", {});
    expect(left.object).toEqual(shared);
    expect(apply(left, "b", {}).object).toEqual({});
  });

  test("another value of somebody's field is a conflict, and by force it changes owners", () => {
    const one = apply(nothing, "a", { spec: { ports: [{ port: 80, name: "http" }] } });
    const config = { spec: { ports: [{ port: 80, name: "web" }] } };
    const refused = apply(one, "b", config);
    expect(refused.conflicts.map(conflictText)).toEqual(['conflict with "a" using v1']);
    expect(refused.conflicts.flatMap(conflictPaths)).toEqual(['.spec.ports[port=80,protocol="TCP"].name']);
    const forced = apply(one, "b", config, true);
    expect(forced.object).toEqual(config);
    expect(ownersOf(forced)["a"]).not.toContain('.spec.ports[port=80,protocol="TCP"].name');
    expect(apply(forced, "b", config).conflicts).toEqual([]);
  });

  test("an update takes what it changes, and only that", () => {
    const one = apply(nothing, "a", { metadata: { labels: { a: "1", b: "1" } } });
    const after = update(one, "edit", { metadata: { labels: { a: "2", b: "1" } } });
    expect(ownersOf(after)).toEqual({ a: [".metadata.labels.b"], edit: [".metadata.labels.a"] });
  });

  test("updates by many count as one beyond ten", () => {
    let state = nothing;
    for (let count = 0; count < 15; count++) {
      state = update(state, `m${count}`, { metadata: { labels: { [`l${count}`]: "1" } } });
      state = update(state, `n${count}`, {
        metadata: { labels: { [`l${count}`]: "1", [`k${count}`]: "1" } },
      });
    }
    expect(state.entries.length).toBeLessThanOrEqual(10);
  });

  test("what the server owns, and status, belong to nobody", () => {
    const { entries } = apply(nothing, "a", {
      apiVersion: "v1",
      kind: "Service",
      metadata: { name: "x", namespace: "y", uid: "z" },
      status: { loadBalancer: {} },
    });
    expect(entries).toEqual([]);
  });
});

describe("laws", () => {
  const word = fc.constantFrom("a", "b", "c");
  const port = fc.record(
    {
      port: fc.constantFrom(80, 81, 82),
      name: word,
      protocol: fc.constantFrom("TCP", "UDP"),
      targetPort: fc.constantFrom<unknown>(1, "x"),
    },
    { requiredKeys: ["port"] },
  );
  const config = fc
    .record(
      {
        metadata: fc.record(
          { labels: fc.dictionary(word, word), annotations: fc.dictionary(word, word) },
          { requiredKeys: [] },
        ),
        spec: fc.record(
          {
            selector: fc.dictionary(word, word),
            type: word,
            ports: fc.uniqueArray(port, {
              selector: (each) => `${each.port}/${each.protocol ?? "TCP"}`,
              maxLength: 3,
            }),
            externalIPs: fc.array(word, { maxLength: 2 }),
          },
          { requiredKeys: [] },
        ),
      },
      { requiredKeys: [] },
    )
    .map((value) => ({ ...value, metadata: { name: "x", ...value.metadata } }));
  const steps = fc.array(fc.record({ manager: word, config, isUpdate: fc.boolean() }), { maxLength: 5 });
  const run = (list: readonly { manager: string; config: unknown; isUpdate: boolean }[]): State =>
    list.reduce<State>(
      (state, step) =>
        step.isUpdate
          ? update(state, step.manager, step.config)
          : apply(state, step.manager, step.config, true),
      nothing,
    );
  const paths = (set: Parameters<typeof pathsOf>[0]): string[] => [...pathsOf(set)].map(pathText).toSorted();

  test("to apply twice is to apply once", () => {
    fc.assert(
      fc.property(steps, word, config, (before, manager, value) => {
        const once = apply(run(before), manager, value, true);
        const twice = apply(once, manager, value);
        expect(twice.object).toEqual(once.object);
        expect(twice.conflicts).toEqual([]);
        expect(isSameManagers(twice.entries, once.entries)).toBe(true);
      }),
      { numRuns: 100 },
    );
  });

  test("an applied field has the applied value, and its applier owns it", () => {
    fc.assert(
      fc.property(steps, word, config, (before, manager, value) => {
        const { object, entries } = apply(run(before), manager, value, true);
        expect(isEmpty(changedFields(service, object, mergeFields(service, object, value)))).toBe(true);
        const own = entries.find((entry) => entry.manager === manager && entry.operation === "Apply");
        const wanted = paths(fieldsOf(service, value)).filter((path) => path !== ".metadata.name");
        expect(own === undefined ? [] : paths(own.fields)).toEqual(wanted);
      }),
      { numRuns: 100 },
    );
  });

  test("there is a conflict exactly where a value of somebody else's field changes", () => {
    fc.assert(
      fc.property(steps, word, config, (before, manager, value) => {
        const state = run(before);
        const { object, conflicts } = apply(state, manager, value);
        const changed = changedFields(service, state.object, object);
        const others = state.entries.filter(
          (entry) => entry.manager !== manager || entry.operation !== "Apply",
        );
        const expected = others.flatMap(({ fields }) =>
          paths(fields).filter((path) => paths(changed).includes(path)),
        );
        expect(conflicts.flatMap(conflictPaths).toSorted()).toEqual(expected.toSorted());
      }),
      { numRuns: 100 },
    );
  });

  test("nobody owns what is not there", () => {
    fc.assert(
      fc.property(steps, (list) => {
        const { object, entries } = run(list);
        for (const { fields } of entries)
          expect(isEqual(presentFields(service, object, fields), fields)).toBe(true);
      }),
      { numRuns: 100 },
    );
  });

  test("managers are read as they were written", () => {
    fc.assert(
      fc.property(steps, (list) => {
        const { entries } = run(list);
        const read = decodeManagers(JSON.parse(JSON.stringify(encodeManagers(entries))));
        expect(read).toHaveLength(entries.length);
        expect(
          entries.every((entry, index) => isEqual(entry.fields, read?.[index]?.fields ?? entry.fields)),
        ).toBe(true);
      }),
      { numRuns: 100 },
    );
  });
});
