/** Several replicas of the store over real etcds: together, in the way of each other, and while etcd or the way to it fails. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { randomBytes } from "node:crypto";
import { type ApiObject, isStored, keyOf, parseObject } from "../../api/index.ts";
import { WeftError } from "../../kernel/index.ts";
import { KV } from "../../wire/etcd/index.ts";
import { configMap } from "../store.contract.ts";
import type { Store, WatchEvent } from "../store.ts";
import { prepare } from "./appender.ts";
import { Election } from "./election.ts";
import { openEtcdStore } from "./etcd-store.ts";
import { Keeper } from "./keeper.ts";
import { Mirror } from "./mirror.ts";
import { bytesOf, scanPrefix, textOf } from "./scan.ts";
import { sealOf } from "./seal.ts";
import { type EtcdCluster, findEtcd, startEtcd } from "./testing/etcd-server.ts";
import { openReplica, type TestReplica } from "./testing/replica.ts";
import { TcpLink } from "./testing/tcp-link.ts";

const meta = { author: "ann", message: "test" };
const timeoutMs = 60_000;

async function until(
  what: string,
  holds: () => boolean | Promise<boolean>,
  withinMs = 20_000,
): Promise<void> {
  const endMs = performance.now() + withinMs;
  while (!(await holds())) {
    if (performance.now() > endMs) throw new Error(`not within ${withinMs} ms: ${what}`);
    await Bun.sleep(5);
  }
}

async function failure(action: Promise<unknown>): Promise<WeftError> {
  const error: unknown = await action.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (error instanceof WeftError) return error;
  throw new Error(`expected a WeftError, got ${String(error)}`);
}

function valueOf(store: Store, name: string): string | undefined {
  return store.get({ kind: "ConfigMap", namespace: "default", name })?.data?.["value"];
}

function put(name: string, value: string): { readonly type: "put"; readonly object: ApiObject } {
  return { type: "put", object: configMap(name, value) };
}

function workload(name: string, address: string): ApiObject {
  const input = {
    apiVersion: "weft.dev/v1alpha1",
    kind: "MeshWorkload",
    metadata: { name },
    spec: { addresses: [address] },
  };
  const parsed = parseObject(input, "write");
  if ("issues" in parsed) throw new Error(JSON.stringify(parsed.issues));
  return parsed.object;
}

function names(store: Store): string[] {
  return store.list({ kind: "ConfigMap" }).items.map((item) => item.metadata.name);
}

async function electionOf(
  replica: TestReplica,
  name: string,
): Promise<{ election: Election; mirror: Mirror }> {
  const { client, session, parts } = replica;
  const mirror = await Mirror.open(client, parts.layout.shared(""));
  const key = parts.layout.shared("leader");
  return { election: new Election({ client, session, mirror, name: "leader", key, replica: name }), mirror };
}

if (findEtcd() === undefined) {
  test.skip("etcd replicas (needs etcd: node scripts/fetch-etcd.mjs)", () => {});
} else {
  describe("replicas over one etcd", () => {
    let etcd: EtcdCluster;
    let meshes = 0;
    const newMesh = (): string => `mesh-${meshes++}`;
    beforeAll(async () => {
      etcd = await startEtcd();
    });
    afterAll(async () => await etcd[Symbol.asyncDispose]());

    test(
      "each sees what the other wrote, in one order, with history and the same numbers",
      async () => {
        const url = `${etcd.url}/${newMesh()}`;
        await using a = await openReplica(url, { replica: "a" });
        await using b = await openReplica(url, { replica: "b" });
        const seen: number[] = [];
        b.store.watch(0, (events) => void seen.push(...events.map((event) => event.sequence)));
        for (let i = 0; i < 20; i++)
          await (i % 2 === 0 ? a : b).store.commit([put(`c${i}`, String(i))], meta);
        await until("both have all", () => a.store.sequence === 20 && b.store.sequence === 20);
        expect(a.store.list({ kind: "ConfigMap" })).toEqual(b.store.list({ kind: "ConfigMap" }));
        expect(await a.store.history(30)).toEqual(await b.store.history(30));
        await until("the watcher has all", () => seen.length === 20);
        expect(seen).toEqual(Array.from({ length: 20 }, (_, index) => index + 1));
      },
      timeoutMs,
    );

    test(
      "no update is lost where both write at once: refused, or planned again",
      async () => {
        const url = `${etcd.url}/${newMesh()}`;
        await using a = await openReplica(url, { replica: "a" });
        await using b = await openReplica(url, { replica: "b" });
        await a.store.commit([put("counter", "0")], meta);
        let conflicts = 0;
        const count = async (replica: TestReplica): Promise<void> => {
          for (let done = 0; done < 30; ) {
            const object = replica.store.get({ kind: "ConfigMap", namespace: "default", name: "counter" });
            const next = String(Number(object?.data?.["value"] ?? "0") + 1);
            const expectedResourceVersion = object?.metadata.resourceVersion ?? "";
            try {
              await replica.store.commit([{ ...put("counter", next), expectedResourceVersion }], meta);
              done++;
            } catch (error) {
              if (!(error instanceof WeftError) || !["conflict", "already_exists"].includes(error.code))
                throw error;
              conflicts++;
            }
          }
        };
        const free = async (replica: TestReplica, name: string): Promise<void> => {
          for (let i = 0; i < 30; i++) await replica.store.commit([put(`${name}-${i}`, "1")], meta);
        };
        await Promise.all([count(a), count(b), free(a, "a"), free(b, "b")]);
        await Promise.all([a.store.catchUp(), b.store.catchUp()]);
        expect(valueOf(a.store, "counter")).toBe("60");
        expect(valueOf(b.store, "counter")).toBe("60");
        expect(names(a.store)).toHaveLength(61);
        expect([a.store.revision, a.store.sequence]).toEqual([121, 121]);
        expect(conflicts).toBeGreaterThanOrEqual(0);
      },
      timeoutMs,
    );

    test(
      "a write of what another one has just taken away is planned on what is there",
      async () => {
        const url = `${etcd.url}/${newMesh()}`;
        await using a = await openReplica(url, { replica: "a" });
        await using b = await openReplica(url, { replica: "b" });
        await a.store.commit([put("x", "1")], meta);
        await a.store.commit([put("x", "2")], meta);
        // b may not have heard of it: "unchanged" would be wrong.
        await b.store.commit([put("x", "1")], meta);
        await a.store.catchUp();
        expect(valueOf(a.store, "x")).toBe("1");
      },
      timeoutMs,
    );

    test("a commit of 5,000 objects, some of a megabyte, is one step for everybody, while others write", async () => {
      const url = `${etcd.url}/${newMesh()}`;
      await using a = await openReplica(url, { replica: "a" });
      await using b = await openReplica(url, { replica: "b" });
      const writes = Array.from({ length: 5_000 }, (_, index) =>
        put(
          `big-${index}`,
          index < 12 ? randomBytes(700_000).toString("base64") : randomBytes(600).toString("hex"),
        ),
      );
      const batches: number[] = [];
      b.store.watch(
        0,
        (events) => void batches.push(events.filter((event) => event.key.kind === "ConfigMap").length),
      );
      let isDone = false;
      const writing = (async () => {
        for (let i = 0; !isDone; i++) {
          await b.store.writeOperational([
            { type: "put", object: workload("w", `10.0.${i >> 8}.${i & 255}`) },
          ]);
          await Bun.sleep(20);
        }
      })();
      const result = await a.store.commit(writes, meta);
      isDone = true;
      await writing;
      expect(result.revision).toBe(1);
      await b.store.catchUp();
      await until("the other has it", () => b.store.revision === 1);
      expect(names(b.store)).toHaveLength(5_000);
      expect(batches.filter((count) => count > 0)).toEqual([5_000]);
      expect(b.store.get({ kind: "ConfigMap", namespace: "default", name: "big-3" })).toEqual(
        a.store.get({ kind: "ConfigMap", namespace: "default", name: "big-3" }),
      );
      await using late = await openReplica(url, { replica: "late" });
      expect(late.store.list({ kind: "ConfigMap" })).toEqual(a.store.list({ kind: "ConfigMap" }));
      const [commit] = await late.store.history(1);
      expect(commit?.changes).toHaveLength(5_000);
    }, 120_000);

    test(
      "what a writer left that died before its commit is never seen, and the leader removes it",
      async () => {
        const url = `${etcd.url}/${newMesh()}`;
        await using a = await openReplica(url, { replica: "a" });
        const dying = await openReplica(url, { replica: "dying" });
        const object = configMap("half", randomBytes(700_000).toString("base64"));
        const stored = {
          ...object,
          metadata: {
            ...object.metadata,
            uid: "u",
            resourceVersion: "1",
            generation: 1,
            creationTimestamp: "2026-01-01T00:00:00Z",
          },
        };
        const second = { ...stored, metadata: { ...stored.metadata, name: "half-2" } };
        const changes = [stored, second].map((each) => {
          const parsed = parseObject(each, "read");
          if (!("object" in parsed) || !isStored(parsed.object)) throw new Error("not a stored object");
          return {
            type: "added" as const,
            key: keyOf(parsed.object),
            before: undefined,
            object: parsed.object,
          };
        });
        const prepared = await prepare(dying.parts, changes, true);
        expect(prepared.chunks.length).toBeGreaterThan(1);
        const { layout } = a.parts;
        const chunks = async (): Promise<number> => {
          let count = 0;
          for await (const page of scanPrefix(a.client, layout.allChunks, { keysOnly: true }))
            count += page.length;
          return count;
        };
        const { election, mirror } = await electionOf(a, "a");
        await until("a leads", () => election.isLeading);
        const keeper = new Keeper({ ...a.parts, store: a.store, fence: () => election.fence });
        await keeper.work();
        expect(await chunks()).toBe(prepared.chunks.length);
        await a.store.commit([put("other", "1")], meta);
        expect(names(a.store)).toEqual(["other"]);
        await dying[Symbol.asyncDispose]();
        await keeper.work();
        expect(await chunks()).toBe(0);
        keeper.close();
        election.close();
        mirror.close();
      },
      timeoutMs,
    );

    test(
      "old writes are folded; a replica that is started then has objects, history and a window to watch",
      async () => {
        const url = `${etcd.url}/${newMesh()}`;
        const limits = { retainedEvents: 10, retainedRevisions: 20 };
        await using a = await openReplica(url, { replica: "a", ...limits });
        for (let i = 0; i < 60; i++) await a.store.commit([put(`c${i % 25}`, String(i))], meta);
        await a.store.commit([{ type: "delete", key: keyOf(configMap("c3", "")) }], meta);
        for (let i = 0; i < 20; i++)
          await a.store.writeOperational([{ type: "put", object: workload("w", `10.0.0.${i + 1}`) }]);
        const { election, mirror } = await electionOf(a, "a");
        await until("a leads", () => election.isLeading);
        const keeper = new Keeper({ ...a.parts, store: a.store, fence: () => election.fence, foldEvery: 1 });
        await keeper.work();
        await keeper.work();
        const entries: string[] = [];
        for (const prefix of ["rev/", "op/"])
          for await (const page of scanPrefix(a.client, a.parts.layout.prefix + prefix, { keysOnly: true }))
            entries.push(...page.map(({ key }) => textOf(key)));
        expect(entries.filter((key) => key.includes("/rev/"))).toHaveLength(20);
        expect(entries.filter((key) => key.includes("/op/"))).toHaveLength(10);
        await using late = await openReplica(url, { replica: "late", ...limits });
        expect(late.store.list({ kind: "ConfigMap" })).toEqual(a.store.list({ kind: "ConfigMap" }));
        expect(late.store.list({ kind: "MeshWorkload" })).toEqual(a.store.list({ kind: "MeshWorkload" }));
        expect(await late.store.history(100)).toEqual(await a.store.history(100));
        const events: WatchEvent[] = [];
        expect(late.store.watch(late.store.sequence - 10, (batch) => void events.push(...batch))).not.toBe(
          "gone",
        );
        await until("the window is told", () => events.length === 10);
        expect(late.store.watch(late.store.sequence - 11, () => {})).toBe("gone");
        await late.store.commit([put("after", "1")], meta);
        await a.store.catchUp();
        expect(valueOf(a.store, "after")).toBe("1");
        keeper.close();
        election.close();
        mirror.close();
      },
      timeoutMs,
    );

    test(
      "the lead moves when the leader's lease ends, and what the old one writes then is refused",
      async () => {
        const url = `${etcd.url}/${newMesh()}`;
        await using a = await openReplica(url, { replica: "a", ttlSeconds: 2 });
        await using b = await openReplica(url, { replica: "b", ttlSeconds: 2 });
        const first = await electionOf(a, "a");
        await until("a leads", () => first.election.isLeading);
        const second = await electionOf(b, "b");
        const oldFence = first.election.fence;
        const old = a.store.fenced(() => oldFence);
        await old.writeOperational([{ type: "put", object: workload("w", "10.0.0.1") }]);
        await a.session.close();
        await until("b leads", () => second.election.isLeading);
        const refusal = await failure(
          old.writeOperational([{ type: "put", object: workload("w", "10.0.0.2") }]),
        );
        expect(refusal.code).toBe("conflict");
        await b.store
          .fenced(() => second.election.fence)
          .writeOperational([{ type: "put", object: workload("w", "10.0.0.3") }]);
        await a.store.catchUp();
        expect(a.store.list({ kind: "MeshWorkload" }).items[0]?.spec.addresses).toEqual(["10.0.0.3"]);
        for (const { election, mirror } of [first, second]) {
          election.close();
          mirror.close();
        }
      },
      timeoutMs,
    );

    test(
      "a replica that was cut off catches up, though etcd has compacted what it missed",
      async () => {
        const mesh = newMesh();
        using link = new TcpLink(etcd.members[0]?.port ?? 0);
        await using a = await openReplica(`${etcd.url}/${mesh}`, {
          replica: "a",
          retainedEvents: 5,
          retainedRevisions: 5,
        });
        await using b = await openReplica(`etcd://127.0.0.1:${link.port}/${mesh}`, {
          replica: "b",
          callTimeoutMs: 500,
        });
        for (let i = 0; i < 10; i++) await a.store.commit([put(`old${i}`, "1")], meta);
        await until("b has it", () => b.store.revision === 10);
        const seen = new Map<string, string>();
        b.store.watch(b.store.sequence, (events) => {
          for (const { type, key } of events) seen.set(key.name, type);
        });
        link.state = "cut";
        const refusal = await (async () => {
          await until("b notices", () => !b.store.isFollowing);
          return await failure(b.store.commit([put("mine", "1")], meta));
        })();
        expect(refusal.code).toBe("unavailable");
        expect(refusal.fields["outcome"]).toBeUndefined();
        expect(valueOf(b.store, "old1")).toBe("1");
        for (let i = 0; i < 20; i++) await a.store.commit([put(`new${i}`, "1")], meta);
        await a.store.commit([{ type: "delete", key: keyOf(configMap("old3", "")) }], meta);
        const { election, mirror } = await electionOf(a, "a");
        await until("a leads", () => election.isLeading);
        const keeper = new Keeper({ ...a.parts, store: a.store, fence: () => election.fence, foldEvery: 1 });
        await keeper.work();
        const { header } = await a.client.read(KV.method.range, { key: bytesOf("x") });
        await a.client.once(KV.method.compact, { revision: header?.revision ?? 0n });
        link.state = "whole";
        await until("b is up to date", () => b.store.revision === 31);
        expect(b.store.list({ kind: "ConfigMap" })).toEqual(a.store.list({ kind: "ConfigMap" }));
        await until("its watcher too", () => seen.get("new19") === "added" && seen.get("old3") === "deleted");
        expect(valueOf(b.store, "mine")).toBeUndefined();
        keeper.close();
        election.close();
        mirror.close();
      },
      timeoutMs,
    );

    test(
      "an answer that is lost after the write is found out: written once, and said so",
      async () => {
        const mesh = newMesh();
        using link = new TcpLink(etcd.members[0]?.port ?? 0);
        await using a = await openReplica(`${etcd.url}/${mesh}`, { replica: "a" });
        await using b = await openReplica(`etcd://127.0.0.1:${link.port}/${mesh}`, {
          replica: "b",
          callTimeoutMs: 700,
        });
        await b.store.commit([put("x", "0")], meta);
        link.state = "deaf";
        const writing = b.store.commit([put("x", "1")], meta);
        await until("etcd has it", () => a.store.revision === 2);
        link.state = "whole";
        const result = await writing;
        expect(result.revision).toBe(2);
        await b.store.commit([put("x", "2")], meta);
        await a.store.catchUp();
        expect((await a.store.history(10)).map(({ revision }) => revision)).toEqual([3, 2, 1]);
        expect(valueOf(a.store, "x")).toBe("2");
      },
      timeoutMs,
    );

    test(
      "etcd cannot read what it holds, and another key opens nothing",
      async () => {
        const url = `${etcd.url}/${newMesh()}`;
        await using a = await openReplica(url, { replica: "a" });
        await a.store.commit([put("x", "secret-of-x")], meta);
        for await (const page of scanPrefix(a.client, a.parts.layout.prefix)) {
          for (const { value } of page) expect(textOf(value)).not.toContain("secret-of-x");
        }
        const seal = sealOf(randomBytes(32));
        const refusal = await failure(openEtcdStore({ ...a.parts, seal }));
        expect(refusal.code).toBe("io");
        expect(refusal.hint).toContain("--store-key-file");
      },
      timeoutMs,
    );
  });

  describe("replicas over three etcds", () => {
    test("without a majority writes are refused and reads go on; with it all is well again, and nothing acknowledged is lost", async () => {
      await using etcd = await startEtcd({ size: 3 });
      await using a = await openReplica(`${etcd.url}/m`, { replica: "a", callTimeoutMs: 1_500 });
      await using b = await openReplica(`${etcd.url}/m`, { replica: "b", callTimeoutMs: 1_500 });
      const acknowledged: string[] = [];
      for (let i = 0; i < 10; i++) {
        await (i % 2 === 0 ? a : b).store.commit([put(`w${i}`, "1")], meta);
        acknowledged.push(`w${i}`);
      }
      const [first, second] = etcd.members;
      first?.kill("SIGKILL");
      second?.kill("SIGKILL");
      await Promise.all([first?.ended, second?.ended]);
      await Bun.sleep(1_100); // longer than a write trusts its last contact
      const refusal = await failure(a.store.commit([put("lost", "1")], meta));
      expect([refusal.code, refusal.fields["outcome"]]).toEqual(["unavailable", undefined]);
      expect(refusal.message).toContain("nothing was written");
      expect(valueOf(a.store, "w3")).toBe("1");
      await Promise.all([first?.start(), second?.start()]);
      await until("a writes again", async () => {
        try {
          await a.store.commit([put("again", "1")], meta);
          return true;
        } catch {
          return false;
        }
      });
      acknowledged.push("again");
      await until("b follows", () => valueOf(b.store, "again") === "1");
      expect(names(b.store).toSorted()).toEqual(acknowledged.toSorted());
    }, 120_000);

    test("etcd's leader is stopped, killed, replaced under writes: each acknowledged write stays, none is there twice", async () => {
      await using etcd = await startEtcd({ size: 3 });
      await using a = await openReplica(`${etcd.url}/m`, { replica: "a", callTimeoutMs: 1_500 });
      await using b = await openReplica(`${etcd.url}/m`, { replica: "b", callTimeoutMs: 1_500 });
      const acknowledged: string[] = [];
      const refused: string[] = [];
      let isOver = false;
      const write = async (replica: TestReplica, name: string): Promise<void> => {
        for (let i = 0; !isOver; i++) {
          try {
            await replica.store.commit([{ ...put(`${name}${i}`, "1"), expectedResourceVersion: "" }], meta);
            acknowledged.push(`${name}${i}`);
          } catch (error) {
            if (!(error instanceof WeftError)) throw error;
            expect(["unavailable", "conflict", "io"]).toContain(error.code);
            if (error.fields["outcome"] === undefined) refused.push(`${name}${i}`);
          }
        }
      };
      const writing = Promise.all([write(a, "a"), write(b, "b")]);
      const [first, second, third] = etcd.members;
      for (const member of [first, second, third]) {
        await Bun.sleep(500);
        member?.kill("SIGSTOP");
        await Bun.sleep(1_500);
        member?.kill("SIGCONT");
      }
      for (const member of [first, second]) {
        member?.kill("SIGKILL");
        await member?.ended;
        await Bun.sleep(500);
        await member?.start();
      }
      await Bun.sleep(500);
      isOver = true;
      await writing;
      await until("both agree", async () => {
        await Promise.all([a.store.catchUp(), b.store.catchUp()]);
        return a.store.sequence === b.store.sequence;
      });
      const there = new Set(names(a.store));
      expect(acknowledged.length).toBeGreaterThan(20);
      expect(acknowledged.filter((name) => !there.has(name))).toEqual([]);
      expect(refused.filter((name) => there.has(name))).toEqual([]);
      expect(a.store.list({ kind: "ConfigMap" })).toEqual(b.store.list({ kind: "ConfigMap" }));
    }, 120_000);
  });
}
