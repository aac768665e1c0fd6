/** Several replicas of the store over a cluster of three etcds, while its members fail. */
import { describe, expect, test } from "bun:test";
import { WeftError } from "../../kernel/index.ts";
import { findEtcd, startEtcd } from "./testing/etcd-server.ts";
import { openReplica, type TestReplica } from "./testing/replica.ts";
import { failure, meta, names, put, until, valueOf } from "./testing/replica-steps.ts";

if (findEtcd() === undefined) {
  test.skip("etcd cluster (needs etcd: node scripts/fetch-etcd.mjs)", () => {});
} else {
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
      const end = new AbortController();
      const write = async (replica: TestReplica, name: string): Promise<void> => {
        for (let i = 0; !end.signal.aborted; i++) {
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
      end.abort();
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
