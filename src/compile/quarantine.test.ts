/** An object that cannot even be read: said in its status, older version in force, healed by the next version; and outputs that fail. */
import { expect, test } from "bun:test";
import type { Stored } from "../api/index.ts";
import { Compiler } from "./compiler.ts";
import { stored, trust } from "./test/objects.ts";
import { TestRegistry } from "./test/test-registry.ts";

const key = { kind: "FaultPolicy", namespace: "default", name: "broken" } as const;
const target = { group: "", kind: "Service", name: "web" };
const service = stored({
  apiVersion: "v1",
  kind: "Service",
  metadata: { name: "web" },
  spec: { selector: { app: "web" }, clusterIPs: ["240.240.0.1"], ports: [{ port: 80 }] },
});

function fault(generation: number, delay: string): Stored {
  const spec = { targetRefs: [target], faults: [{ delay, expiresAt: "2030-01-01T00:00:00Z" }] };
  return stored(
    { apiVersion: "weft.dev/v1alpha1", kind: key.kind, metadata: { name: key.name }, spec },
    generation,
  );
}

/** A defect of ours: reading this field of it fails. */
function unreadable<T extends object>(object: T, field: PropertyKey): T {
  return new Proxy(object, {
    get(of, name, receiver) {
      if (name === field) throw new Error("no such thing");
      const value: unknown = Reflect.get(of, name, receiver);
      return typeof value === "object" && value !== null ? unreadable(value, field) : value;
    },
  });
}

function meshOf(...objects: readonly Stored[]) {
  const registry = new TestRegistry();
  const compiler = new Compiler({ ...trust, registry });
  compiler.apply({ upserted: objects, registry: registry.replace(objects) });
  const version = () => compiler.get({ kind: "Cluster", key: "default/web:80" })?.version;
  return { compiler, version };
}

test("an object that cannot be read says so, its last version stays in force, and it heals", () => {
  const { compiler, version } = meshOf(service, fault(1, "1s"));
  const good = version();
  const { statuses, defects } = compiler.apply({ upserted: [unreadable(fault(2, "2s"), "faults")] });
  expect(defects).toEqual(["FaultPolicy default/broken: no such thing"]);
  const [status] = statuses;
  expect([status?.name, status?.observedGeneration]).toEqual(["broken", 2]);
  expect(status?.status).toMatchObject({
    ancestors: [
      {
        ancestorRef: { kind: "Service", name: "web" },
        conditions: [{ type: "Accepted", status: "False", reason: "Invalid" }],
      },
    ],
  });
  expect(JSON.stringify(status)).toContain(
    "no such thing; the last version that could be compiled stays in force",
  );
  expect([version(), compiler.isQuarantined(key)]).toEqual([good, true]);
  expect(compiler.inForce(key)?.metadata.generation).toBe(1);
  const mended = compiler.apply({ upserted: [fault(3, "3s")] });
  expect(JSON.stringify(mended.statuses)).toContain('"status":"True"');
  expect([version() === good, compiler.isQuarantined(key), compiler.inForce(key)]).toEqual([
    false,
    false,
    undefined,
  ]);
});

test("one of which no version could be read says so too, and goes with its object", () => {
  const { compiler } = meshOf(service);
  const { statuses } = compiler.apply({ upserted: [unreadable(fault(1, "1s"), "faults")] });
  expect(statuses.map(({ name }) => name)).toEqual(["broken"]);
  compiler.apply({ removed: [key] });
  expect([compiler.isQuarantined(key), compiler.statuses()]).toEqual([false, []]);
});

test("a resource that fails where it is first asked for takes nobody down, is told, and is there once what it failed by is mended", () => {
  const { compiler, version } = meshOf(service);
  const good = version();
  compiler.forget({ kind: "Cluster", key: "default/web:80" });
  const { namespace, name } = key;
  const traffic = (generation: number): Stored =>
    stored(
      {
        apiVersion: "weft.dev/v1alpha1",
        kind: "TrafficPolicy",
        metadata: { namespace, name },
        spec: { targetRefs: [target], balancing: { algorithm: "Maglev" } },
      },
      generation,
    );
  compiler.apply({ upserted: [unreadable(traffic(1), "balancing")] });
  expect(version()).toBeUndefined();
  const { defects } = compiler.apply({ upserted: [traffic(2)] });
  expect(defects).toEqual(["resource Cluster default/web:80: no such thing"]);
  expect(version()).toBeDefined();
  expect(version()).not.toBe(good);
});
