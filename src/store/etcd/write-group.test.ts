/** Operational writes that reach etcd together: one entry, each judged by itself. Over a real etcd. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { KV } from "../../wire/etcd/index.ts";
import { bytesOf } from "./scan.ts";
import { type EtcdCluster, findEtcd, startEtcd } from "./testing/etcd-server.ts";
import { openReplica, type TestReplica } from "./testing/replica.ts";
import { failure, meta, put, until, valueOf } from "./testing/replica-steps.ts";
import { endOf } from "./layout.ts";

const timeoutMs = 60_000;

async function entries({ client, parts }: TestReplica): Promise<number> {
  const prefix = `${parts.layout.prefix}op/`;
  const { kvs } = await client.read(KV.method.range, {
    key: bytesOf(prefix),
    rangeEnd: bytesOf(endOf(prefix)),
  });
  return kvs.length;
}

if (findEtcd() === undefined) {
  test.skip("groups of writes (needs etcd: node scripts/fetch-etcd.mjs)", () => {});
} else {
  describe("operational writes that wait for the same write", () => {
    let etcd: EtcdCluster;
    beforeAll(async () => {
      etcd = await startEtcd();
    });
    afterAll(async () => await etcd[Symbol.asyncDispose]());

    test(
      "are one entry, in order, each with its own number; other replicas see them",
      async () => {
        await using a = await openReplica(`${etcd.url}/order`, { replica: "a" });
        await using b = await openReplica(`${etcd.url}/order`, { replica: "b" });
        const names = Array.from({ length: 150 }, (_, index) => `c${index}`);
        const results = await Promise.all(names.map((name) => a.store.writeOperational([put(name, "1")])));
        expect(results.map(({ objects }) => objects[0]?.metadata.resourceVersion)).toEqual(
          names.map((_, index) => String(index + 1)),
        );
        expect(results.map(({ objects }) => objects.map(({ metadata }) => metadata.name))).toEqual(
          names.map((name) => [name]),
        );
        expect(await entries(a)).toBeLessThanOrEqual(2);
        await until("the other has all", () => b.store.sequence === 150);
        expect(b.store.list({ kind: "ConfigMap" })).toEqual(a.store.list({ kind: "ConfigMap" }));
      },
      timeoutMs,
    );

    test(
      "are judged one by one: who is refused takes nobody with it, and two of one object are two writes",
      async () => {
        await using a = await openReplica(`${etcd.url}/judged`, { replica: "a" });
        await a.store.writeOperational([put("old", "1")]);
        const stale = { ...put("old", "2"), expectedResourceVersion: "77" };
        const [first, refused, again, swapped] = await Promise.all([
          a.store.writeOperational([put("x", "1")]),
          failure(a.store.writeOperational([put("y", "1"), stale])),
          a.store.writeOperational([put("x", "2")]),
          a.store.writeOperational([{ ...put("old", "3"), expectedResourceVersion: "1" }]),
        ]);
        expect(refused.code).toBe("conflict");
        expect([valueOf(a.store, "x"), valueOf(a.store, "y"), valueOf(a.store, "old")]).toEqual([
          "2",
          undefined,
          "3",
        ]);
        const versions = [first, again, swapped].map(({ objects }) =>
          Number(objects[0]?.metadata.resourceVersion),
        );
        expect(versions.toSorted((x, y) => x - y)).toEqual([2, 3, 4]);
        expect(versions[0]).toBeLessThan(versions[1] ?? 0);
      },
      timeoutMs,
    );

    test(
      "do not pass a commit that was asked for before them",
      async () => {
        await using a = await openReplica(`${etcd.url}/passing`, { replica: "a" });
        const seen: string[] = [];
        a.store.watch(0, (events) => void seen.push(...events.map(({ key }) => key.name)));
        await Promise.all([
          a.store.writeOperational([put("before", "1")]),
          a.store.writeOperational([put("before-too", "1")]),
          a.store.commit([put("commit", "1")], meta),
          a.store.writeOperational([put("after", "1")]),
        ]);
        await until("all are told", () => seen.length === 4);
        expect(seen).toEqual(["before", "before-too", "commit", "after"]);
      },
      timeoutMs,
    );

    test(
      "of two replicas lose no compare-and-swap and no write",
      async () => {
        await using a = await openReplica(`${etcd.url}/both`, { replica: "a" });
        await using b = await openReplica(`${etcd.url}/both`, { replica: "b" });
        const replicas = [a, b];
        const wins = await Promise.all(
          Array.from({ length: 40 }, async (_, index) => {
            const create = { ...put(`c${index >> 1}`, String(index % 2)), expectedResourceVersion: "" };
            const store = replicas[index % 2]?.store;
            return await store?.writeOperational([create, put(`own${index}`, "1")]).then(
              () => 1,
              () => 0,
            );
          }),
        );
        for (let index = 0; index < 40; index += 2)
          expect((wins[index] ?? 0) + (wins[index + 1] ?? 0)).toBe(1);
        await until("both have all", () => a.store.sequence === 40 && b.store.sequence === 40);
        expect(a.store.list({ kind: "ConfigMap" })).toEqual(b.store.list({ kind: "ConfigMap" }));
      },
      timeoutMs,
    );
  });
}
