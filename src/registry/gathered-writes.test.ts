/** Registrations that arrive together are one write, and none pays for another's fault. */
import { beforeEach, expect, test } from "bun:test";
import type { MeshWorkload } from "../api/index.ts";
import { WeftError } from "../kernel/index.ts";
import type { OperationalWrite, Store } from "../store/index.ts";
import { GatheredWrites } from "./gathered-writes.ts";
import { compileRegistration } from "./registration.ts";

let batches: string[][] = [];
let refused = "";
let gathered: GatheredWrites;
beforeEach(() => {
  batches = [];
  refused = "";
  const store: Pick<Store, "writeOperational"> = {
    async writeOperational(writes) {
      const names = writes.map(nameOf);
      batches.push(names);
      if (names.includes(refused)) throw new WeftError("conflict", `${refused} cannot be written`);
      return { sequence: batches.length, objects: [] };
    },
  };
  gathered = new GatheredWrites(store);
});

function nameOf(write: OperationalWrite): string {
  return write.type === "delete" ? `-${write.key.name}` : write.object.metadata.name;
}

function workload(name: string, address = "10.0.0.1"): MeshWorkload {
  return compileRegistration({
    ...{
      namespace: "default",
      name,
      serviceAccount: name,
      labels: {},
      annotations: {},
      addresses: [address],
    },
    ...{ ports: [], tunnelAddress: "", tunnelPort: 0, region: "", zone: "" },
  });
}

test("what arrives in one turn is one write", async () => {
  await Promise.all([gathered.put(workload("a")), gathered.put(workload("b")), gathered.put(workload("c"))]);
  expect(batches).toEqual([["a", "b", "c"]]);
});

test("one that cannot be written is refused alone", async () => {
  refused = "b";
  const results = await Promise.allSettled(["a", "b", "c"].map((name) => gathered.put(workload(name))));
  expect(results.map(({ status }) => status)).toEqual(["fulfilled", "rejected", "fulfilled"]);
  expect(batches).toEqual([["a", "b", "c"], ["a"], ["b"], ["c"]]);
});

test("two writes to one object keep their order", async () => {
  const key = { kind: "MeshWorkload", namespace: "default", name: "a" } as const;
  await Promise.all([gathered.put(workload("a")), gathered.delete(key), gathered.put(workload("a"))]);
  expect(batches).toEqual([["a"], ["-a"], ["a"]]);
});

test("an address is claimed by who waits, until it is written", async () => {
  const written = gathered.put(workload("a", "10.0.0.7"));
  expect(gathered.isClaimed(["10.0.0.7"], "default/b")).toBe(true);
  expect(gathered.isClaimed(["10.0.0.7"], "default/a")).toBe(false);
  await written;
  expect(gathered.isClaimed(["10.0.0.7"], "default/b")).toBe(false);
});

test("a batch has a bound", async () => {
  await Promise.all(Array.from({ length: 450 }, (_, index) => gathered.put(workload(`w${index}`))));
  expect(batches.map(({ length }) => length)).toEqual([200, 200, 50]);
});

test("an address is claimed until the store has answered, and whoever wants it hears of that", async () => {
  const answers: (() => void)[] = [];
  const slow = new GatheredWrites({
    writeOperational: () =>
      new Promise((resolve) => answers.push(() => resolve({ sequence: 1, objects: [] }))),
  });
  const written = slow.put(workload("a", "10.0.0.7"));
  let isFree = false;
  const free = slow.unclaimed(["10.0.0.6", "10.0.0.7"], "default/b").then(() => (isFree = true));
  const flushed = slow.flush();
  expect([answers.length, slow.isClaimed(["10.0.0.7"], "default/b"), isFree]).toEqual([1, true, false]);
  await slow.unclaimed(["10.0.0.7"], "default/a");
  answers[0]?.();
  await Promise.all([written, free, flushed]);
  expect(slow.isClaimed(["10.0.0.7"], "default/b")).toBe(false);
});
