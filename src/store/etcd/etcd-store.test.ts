/** The store over a real etcd: the contract of all stores. What only several replicas show is in replicas.test.ts. */
import { afterAll, beforeAll, describe, test } from "bun:test";
import { storeContract } from "../store.contract.ts";
import { type EtcdCluster, findEtcd, startEtcd } from "./testing/etcd-server.ts";
import { openReplica, type TestReplica } from "./testing/replica.ts";

if (findEtcd() === undefined) {
  test.skip("etcd store (needs etcd: node scripts/fetch-etcd.mjs)", () => {});
} else {
  describe("etcd store", () => {
    let etcd: EtcdCluster | undefined;
    const replicas: TestReplica[] = [];
    let meshes = 0;
    beforeAll(async () => {
      etcd = await startEtcd();
    });
    afterAll(async () => {
      for (const replica of replicas) await replica[Symbol.asyncDispose]();
      await etcd?.[Symbol.asyncDispose]();
    });

    storeContract("etcd", {
      open: async (limits) => {
        const replica = await openReplica(`${etcd?.url ?? ""}/contract-${meshes++}`, limits);
        replicas.push(replica);
        return replica.store;
      },
    });
  });
}
