/** What every store must do. Each implementation runs this suite: `storeContract("sqlite", () => openSqliteStore(…))`. */
import { afterEach, describe, expect, test } from "bun:test";
import { type ApiObject, keyOf, parseObject } from "../api/index.ts";
import { WeftError } from "../kernel/index.ts";
import { changesBetweenContract } from "./changes-between.contract.ts";
import type { Store, WatchEvent } from "./store.ts";

const meta = { author: "ann", message: "test" };

function valid(input: unknown): ApiObject {
  const parsed = parseObject(input, "write");
  if ("issues" in parsed) throw new Error(JSON.stringify(parsed.issues));
  return parsed.object;
}

export function configMap(
  name: string,
  value: string,
  labels: Record<string, string> = {},
  namespace = "default",
): ApiObject {
  return valid({
    apiVersion: "v1",
    kind: "ConfigMap",
    metadata: { name, namespace, labels },
    data: { value },
  });
}

function workload(name: string, status?: unknown): ApiObject {
  return valid({
    apiVersion: "weft.dev/v1alpha1",
    kind: "MeshWorkload",
    metadata: { name },
    spec: { addresses: ["10.77.0.2"] },
    status,
  });
}

async function failure(action: Promise<unknown>): Promise<WeftError> {
  const error: unknown = await action.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (error instanceof WeftError) return error;
  throw new Error(`expected a WeftError, got ${String(error)}`);
}

/** Events that a watcher got, call by call. */
class Recorder {
  readonly calls: string[][] = [];
  readonly listener = (events: readonly WatchEvent[]): void => {
    this.calls.push(
      events.map((event) => `${event.type} ${event.key.name} ${event.object.metadata.resourceVersion}`),
    );
  };
}

async function microtasks(): Promise<void> {
  await Promise.resolve();
  await Promise.resolve();
}

export interface StoreContractOptions {
  readonly open: (limits: { retainedEvents: number; retainedRevisions: number }) => Store | Promise<Store>;
}

export function storeContract(name: string, { open }: StoreContractOptions): void {
  const stores: Store[] = [];
  const start = async (limits = { retainedEvents: 1000, retainedRevisions: 1000 }): Promise<Store> => {
    const store = await open(limits);
    stores.push(store);
    return store;
  };
  afterEach(() => {
    for (const store of stores.splice(0)) store.close();
  });

  describe(`store contract: ${name}`, () => {
    test("keeps an anchor: with a commit, or alone, in no history", async () => {
      const store = await start();
      expect(store.anchor).toBeUndefined();
      await store.commit([{ type: "put", object: configMap("a", "1") }], { ...meta, anchor: "one" });
      expect(store.anchor).toBe("one");
      const put = { type: "put", object: configMap("a", "2"), expectedResourceVersion: "" } as const;
      expect((await failure(store.commit([put], { ...meta, anchor: "two" }))).code).toBe("already_exists");
      expect(store.anchor).toBe("one");
      await store.commit([{ type: "put", object: configMap("a", "2") }], meta);
      expect(store.anchor).toBe("one");
      const { revision, sequence } = store;
      store.setAnchor("three");
      expect([store.anchor, store.revision, store.sequence]).toEqual(["three", revision, sequence]);
    });

    test("starts empty", async () => {
      const store = await start();
      expect(store.revision).toBe(0);
      expect(store.sequence).toBe(0);
      expect(await store.history(10)).toEqual([]);
      expect(store.list({ kind: "Service" })).toEqual({ items: [], sequence: 0 });
    });

    test("gives server's metadata to what is created and keeps it when it is changed", async () => {
      const store = await start();
      const created = await store.commit([{ type: "put", object: configMap("a", "1") }], meta);
      expect(created.revision).toBe(1);
      const first = store.get({ kind: "ConfigMap", namespace: "default", name: "a" });
      expect(first?.metadata).toMatchObject({ resourceVersion: "1", generation: 1 });
      expect(first?.metadata.uid).not.toBe("");
      await store.commit([{ type: "put", object: configMap("a", "2") }], meta);
      const second = store.get({ kind: "ConfigMap", namespace: "default", name: "a" });
      expect(second?.data).toEqual({ value: "2" });
      expect(second?.metadata).toMatchObject({
        resourceVersion: "2",
        generation: 2,
        uid: first?.metadata.uid ?? "",
      });
      expect(second?.metadata.creationTimestamp).toBe(first?.metadata.creationTimestamp ?? "");
    });

    test("moves neither revision nor sequence when nothing changes, and the generation only with the content", async () => {
      const store = await start();
      await store.commit([{ type: "put", object: configMap("a", "1") }], meta);
      const same = await store.commit([{ type: "put", object: configMap("a", "1") }], meta);
      expect([same.revision, same.sequence]).toEqual([1, 1]);
      const labelled = await store.commit([{ type: "put", object: configMap("a", "1", { app: "x" }) }], meta);
      expect(labelled.objects[0]?.metadata).toMatchObject({ generation: 1, resourceVersion: "2" });
    });

    test("writes all of a commit or nothing", async () => {
      const store = await start();
      await store.commit([{ type: "put", object: configMap("a", "1") }], meta);
      const error = await failure(
        store.commit(
          [
            { type: "put", object: configMap("b", "1") },
            { type: "put", object: configMap("a", "2"), expectedResourceVersion: "7" },
          ],
          meta,
        ),
      );
      expect(error.code).toBe("conflict");
      expect(store.list({ kind: "ConfigMap" }).items.map((item) => item.metadata.name)).toEqual(["a"]);
      expect([store.revision, store.sequence]).toEqual([1, 1]);
    });

    test("refuses a commit that was planned on another revision than the newest", async () => {
      const store = await start();
      await store.commit([{ type: "put", object: configMap("a", "1") }], { ...meta, plannedOn: 0 });
      const put = { type: "put", object: configMap("b", "1") } as const;
      const error = await failure(store.commit([put], { ...meta, plannedOn: 0 }));
      expect([error.code, error.fields["revision"]]).toEqual(["conflict", 1]);
      expect([store.revision, store.sequence]).toEqual([1, 1]);
      await store.commit([put], { ...meta, plannedOn: 1 });
      expect(store.revision).toBe(2);
    });

    test("refuses to create what exists, to delete what does not, and to write one object twice", async () => {
      const store = await start();
      const put = { type: "put", object: configMap("a", "1") } as const;
      await store.commit([put], meta);
      expect((await failure(store.commit([{ ...put, expectedResourceVersion: "" }], meta))).code).toBe(
        "already_exists",
      );
      const key = keyOf(configMap("b", ""));
      expect((await failure(store.commit([{ type: "delete", key }], meta))).code).toBe("not_found");
      expect((await failure(store.commit([put, put], meta))).code).toBe("bad_input");
    });

    test("refuses a change to what may not change", async () => {
      const store = await start();
      const immutable = (value: string): ApiObject =>
        valid({
          apiVersion: "v1",
          kind: "ConfigMap",
          metadata: { name: "a" },
          data: { value },
          immutable: true,
        });
      await store.commit([{ type: "put", object: immutable("1") }], meta);
      const error = await failure(store.commit([{ type: "put", object: immutable("2") }], meta));
      expect(error.code).toBe("bad_input");
      expect(error.issues).toEqual([{ path: "data", message: "cannot be changed: the object is immutable" }]);
      expect(store.sequence).toBe(1);
    });

    test("lists by namespace and labels, sorted", async () => {
      const store = await start();
      await store.commit(
        [
          { type: "put", object: configMap("b", "1", { app: "x" }) },
          { type: "put", object: configMap("a", "1", { app: "y" }) },
          { type: "put", object: configMap("c", "1", { app: "x" }, "apart") },
        ],
        meta,
      );
      const names = (listing: { items: readonly ApiObject[] }): string[] =>
        listing.items.map((item) => `${item.metadata.namespace ?? ""}/${item.metadata.name}`);
      expect(names(store.list({ kind: "ConfigMap" }))).toEqual(["apart/c", "default/a", "default/b"]);
      expect(names(store.list({ kind: "ConfigMap", namespace: "default" }))).toEqual([
        "default/a",
        "default/b",
      ]);
      const labels = [{ key: "app", operator: "In", values: ["x"] }] as const;
      expect(names(store.list({ kind: "ConfigMap", labels }))).toEqual(["apart/c", "default/b"]);
    });

    test("keeps status out of commits, and operational writes out of the history", async () => {
      const store = await start();
      await store.commit([{ type: "put", object: workload("w") }], meta);
      await store.writeOperational([{ type: "status", object: workload("w", { connected: true }) }]);
      expect([store.revision, store.sequence]).toEqual([1, 2]);
      await store.commit(
        [{ type: "put", object: valid({ ...workload("w"), metadata: { name: "w", labels: { a: "b" } } }) }],
        meta,
      );
      const stored = store.get({ kind: "MeshWorkload", namespace: "default", name: "w" });
      expect(stored?.status?.connected).toBe(true);
      expect(stored?.metadata).toMatchObject({ generation: 1, labels: { a: "b" } });
      expect((await store.history(10)).map((commit) => commit.revision)).toEqual([2, 1]);
      expect(JSON.stringify(await store.history(10))).not.toContain("connected");
    });

    test("takes no status from a commit, neither for a new object nor for an old one", async () => {
      const store = await start();
      const status = (): unknown =>
        store.get({ kind: "MeshWorkload", namespace: "default", name: "w" })?.status?.connected;
      await store.commit([{ type: "put", object: workload("w", { connected: true }) }], meta);
      expect(status()).toBeUndefined();
      await store.writeOperational([{ type: "status", object: workload("w", { connected: true }) }]);
      await store.commit([{ type: "put", object: workload("w", { connected: false }) }], meta);
      expect([status(), store.revision]).toEqual([true, 1]);
    });

    test("registers and removes workloads operationally, and skips a status that says nothing new", async () => {
      const store = await start();
      await store.writeOperational([{ type: "put", object: workload("w", { connected: true }) }]);
      await store.writeOperational([{ type: "status", object: workload("w", { connected: true }) }]);
      await store.writeOperational([{ type: "status", object: workload("gone", { connected: true }) }]);
      expect([store.revision, store.sequence]).toEqual([0, 1]);
      await store.writeOperational([{ type: "put", object: workload("w", { connected: false }) }]);
      expect(store.get({ kind: "MeshWorkload", namespace: "default", name: "w" })?.status?.connected).toBe(
        false,
      );
      await store.writeOperational([{ type: "delete", key: keyOf(workload("w")) }]);
      expect(store.list({ kind: "MeshWorkload" })).toEqual({ items: [], sequence: 3 });
      expect(await store.history(10)).toEqual([]);
    });

    test("keeps before and after of every change, newest commit first, in pages", async () => {
      const store = await start();
      await store.commit([{ type: "put", object: configMap("a", "1") }], meta);
      await store.commit([{ type: "put", object: configMap("a", "2") }], { author: "bob", message: "two" });
      await store.commit([{ type: "delete", key: keyOf(configMap("a", "")) }], meta);
      const [third, second, first] = await store.history(10);
      const value = (object: ApiObject | undefined): unknown =>
        object !== undefined && "data" in object ? object.data : undefined;
      expect(first?.changes[0]?.before).toBeUndefined();
      expect(second).toMatchObject({ revision: 2, author: "bob", message: "two" });
      expect(value(second?.changes[0]?.before)).toEqual({ value: "1" });
      expect(value(second?.changes[0]?.after)).toEqual({ value: "2" });
      expect(third?.changes[0]?.after).toBeUndefined();
      expect(third?.changes[0]?.key.name).toBe("a");
      expect(second?.changes[0]?.after?.metadata.resourceVersion).toBeUndefined();
      expect((await store.history(1, 3)).map((commit) => commit.revision)).toEqual([2]);
    });

    test("tells what an object was at any revision", async () => {
      const store = await start();
      await store.commit([{ type: "put", object: configMap("other", "1") }], meta);
      await store.commit([{ type: "put", object: configMap("a", "1") }], meta);
      await store.commit([{ type: "put", object: configMap("a", "2") }], meta);
      await store.commit([{ type: "delete", key: keyOf(configMap("a", "")) }], meta);
      const at = async (revision: number): Promise<unknown> => {
        const object = await store.objectAt(keyOf(configMap("a", "")), revision);
        return object !== undefined && object !== "gone" && object.kind === "ConfigMap"
          ? object.data?.["value"]
          : object;
      };
      expect(await Promise.all([1, 2, 3, 4].map(at))).toEqual([undefined, "1", "2", undefined]);
    });

    changesBetweenContract(start);

    test("forgets the oldest revisions beyond its bound and says so", async () => {
      const store = await start({ retainedEvents: 1000, retainedRevisions: 2 });
      for (const value of ["1", "2", "3", "4"])
        await store.commit([{ type: "put", object: configMap("a", value) }], meta);
      expect((await store.history(10)).map((commit) => commit.revision)).toEqual([4, 3]);
      expect(await store.objectAt(keyOf(configMap("a", "")), 1)).toBe("gone");
      expect(await store.objectAt(keyOf(configMap("a", "")), 2)).toMatchObject({ data: { value: "2" } });
      expect(await store.changesBetween(1, 4)).toBe("gone");
      expect(await store.changesBetween(2, 4)).toMatchObject([
        { before: { data: { value: "2" } }, after: { data: { value: "4" } } },
      ]);
    });

    test("watches from any retained sequence, a commit in one call, never before watch returns", async () => {
      const store = await start();
      await store.commit(
        [
          { type: "put", object: configMap("a", "1") },
          { type: "put", object: configMap("b", "1") },
        ],
        meta,
      );
      const early = new Recorder();
      store.watch(1, early.listener);
      expect(early.calls).toEqual([]);
      await microtasks();
      expect(early.calls).toEqual([["added b 2"]]);
      await store.commit(
        [
          { type: "put", object: configMap("a", "2") },
          { type: "delete", key: keyOf(configMap("b", "")) },
        ],
        meta,
      );
      await microtasks();
      expect(early.calls).toEqual([["added b 2"], ["modified a 3", "deleted b 4"]]);
      const all = new Recorder();
      store.watch(0, all.listener);
      await microtasks();
      expect(all.calls.flat()).toEqual(["added a 1", "added b 2", "modified a 3", "deleted b 4"]);
    });

    test("delivers operational writes to watchers, with the revision that they came at", async () => {
      const store = await start();
      await store.commit([{ type: "put", object: configMap("a", "1") }], meta);
      const events: WatchEvent[] = [];
      store.watch(store.sequence, (batch) => void events.push(...batch));
      await store.writeOperational([{ type: "put", object: workload("w") }]);
      await microtasks();
      expect(events.map((event) => [event.type, event.revision, event.sequence])).toEqual([["added", 1, 2]]);
    });

    test("goes on when a listener throws, and lets a listener write and stop", async () => {
      const store = await start();
      const good = new Recorder();
      store.watch(0, () => {
        throw new Error("listener");
      });
      const stop = store.watch(0, () => {
        if (stop !== "gone") stop();
        void store.commit([{ type: "put", object: configMap("from-listener", "1") }], meta);
      });
      store.watch(0, good.listener);
      await store.commit([{ type: "put", object: configMap("a", "1") }], meta);
      // The listener's own write is one of its own: it may take its way to other machines.
      const deadlineMs = performance.now() + 5_000;
      while (store.sequence < 2 && performance.now() < deadlineMs) await Bun.sleep(1);
      await microtasks();
      expect(good.calls.flat()).toEqual(["added a 1", "added from-listener 2"]);
    });

    test("answers gone to a watch from before what it retains", async () => {
      const store = await start({ retainedEvents: 2, retainedRevisions: 1000 });
      for (const value of ["1", "2", "3", "4"])
        await store.commit([{ type: "put", object: configMap("a", value) }], meta);
      const none = (): void => {};
      expect(store.watch(1, none)).toBe("gone");
      expect(store.watch(2, none)).not.toBe("gone");
      expect(store.watch(4, none)).not.toBe("gone");
    });

    test("keeps its own copy of what it is given", async () => {
      const store = await start();
      const data: Record<string, string> = { value: "1" };
      const object = { ...configMap("a", "1"), data };
      await store.commit([{ type: "put", object: valid(object) }], meta);
      data["value"] = "changed outside";
      expect(store.get({ kind: "ConfigMap", namespace: "default", name: "a" })?.data).toEqual({ value: "1" });
    });

    test("refuses everything once closed", async () => {
      const store = await start();
      store.close();
      expect((await failure(store.commit([{ type: "put", object: configMap("a", "1") }], meta))).code).toBe(
        "unavailable",
      );
      expect(() => store.watch(0, () => {})).toThrow(WeftError);
    });
  });
}
