/** An agent that is told everything: whole changes, what is unusable stays out, another agent can be given the same. */
import { expect, test } from "bun:test";
import { create, toBinary } from "@bufbuild/protobuf";
import { silentLog } from "../../kernel/index.ts";
import { ClusterSchema, MeshSchema } from "../../model/index.ts";
import type { RawResource } from "./resource.ts";
import { SuppliedAgent } from "./supplied-agent.ts";

const mesh: RawResource = {
  kind: "Mesh",
  name: "mesh",
  version: "1",
  bytes: toBinary(MeshSchema, create(MeshSchema, { trustDomain: "a.weft" })),
};
const cluster = (name: string): RawResource => ({
  kind: "Cluster",
  name: `default/${name}:80`,
  version: "1",
  bytes: toBinary(ClusterSchema, create(ClusterSchema, { namespace: "default", service: name, port: 80 })),
});

test("is ready with the first change, and swaps once for each", async () => {
  const agent = new SuppliedAgent(silentLog);
  let swaps = 0;
  agent.onSnapshot(() => swaps++);
  expect(agent.status.isReady).toBe(false);
  expect(agent.commit({ revision: 3, upserts: [mesh, cluster("a")], removals: [] })).toEqual([]);
  await agent.ready();
  expect(swaps).toBe(1);
  expect(agent.status).toMatchObject({ isReady: true, revision: 3 });
  agent.commit({ revision: 4, upserts: [], removals: [{ kind: "Cluster", name: "default/a:80" }] });
  expect([...agent.snapshot.clusterKeys()]).toEqual([]);
  expect(swaps).toBe(2);
});

test("what cannot be used stays as it was, and is named until it can", () => {
  const agent = new SuppliedAgent(silentLog);
  agent.commit({ revision: 1, upserts: [cluster("a")], removals: [] });
  const broken = { ...cluster("a"), bytes: Uint8Array.of(255) };
  const rejected = agent.commit({ revision: 2, upserts: [broken, cluster("b")], removals: [] });
  expect(rejected.map(({ name }) => name)).toEqual(["default/a:80"]);
  expect([...agent.snapshot.clusterKeys()]).toEqual(["default/a:80", "default/b:80"]);
  expect(agent.status.rejected).toHaveLength(1);
  agent.commit({ revision: 3, upserts: [cluster("a")], removals: [] });
  expect(agent.status.rejected).toEqual([]);
});

test("everything that one has makes another one that serves the same", () => {
  const first = new SuppliedAgent(silentLog);
  first.commit({ revision: 5, upserts: [mesh, cluster("a")], removals: [] });
  const second = new SuppliedAgent(silentLog);
  second.commit(first.everything());
  expect(second.snapshot.revision).toBe(5);
  expect(second.snapshot.mesh).toEqual(first.snapshot.mesh);
  expect([...second.snapshot.clusterKeys()]).toEqual([...first.snapshot.clusterKeys()]);
});

test("nothing else exists, and nobody it is", () => {
  const agent = new SuppliedAgent(silentLog);
  const answers: unknown[] = [];
  agent.resolveAddress("10.0.0.1", 1, (result) => answers.push(result));
  agent.resolveName("a.b", 1, (result) => answers.push(result));
  agent.resolveOutbound("x", 1, (result) => answers.push(result));
  expect(answers).toEqual(["unknown", "unknown", "unknown"]);
  expect(() => agent.identity()).toThrow("no identity");
});
