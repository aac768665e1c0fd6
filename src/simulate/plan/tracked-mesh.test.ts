/** A mesh under proposals: what is around the objects is in it, and a proposal that is withdrawn leaves no trace there either. */
import { expect, test } from "bun:test";
import type { ObjectKey } from "../../api/index.ts";
import { inboundKey } from "../../model/index.ts";
import { documents, readObjects, service, workload } from "../testing.ts";
import { runAtOnce } from "../../kernel/index.ts";
import { proposedVersion, TrackedMesh } from "./tracked-mesh.ts";

const jwksUri = "https://issuer.example/keys";
const keySet = (kid: string) => ({
  uri: jwksUri,
  document: JSON.stringify({ keys: [{ kty: "oct", kid, k: "AAAA" }] }),
  error: undefined,
});
const tokens = JSON.stringify({
  apiVersion: "weft.dev/v1alpha1",
  kind: "AuthenticationPolicy",
  metadata: { name: "tokens" },
  spec: {
    selector: { matchLabels: { app: "web" } },
    jwt: { required: true, providers: [{ name: "login", issuer: "https://issuer.example", jwksUri }] },
  },
});
const policy: ObjectKey = { kind: "AuthenticationPolicy", namespace: "default", name: "tokens" };
const inbound = { kind: "Inbound", key: inboundKey("default", "web") } as const;

const ports = [{ port: 80, protocol: "http" }];
const { objects } = readObjects(
  documents(service("web", 80), workload("web", { address: "10.0.0.1", ports }), tokens),
);

function synced(mesh: TrackedMesh, kid: string): string {
  runAtOnce(mesh.sync(objects, { keySets: [keySet(kid)] }));
  runAtOnce(mesh.track(inbound));
  return Buffer.from(mesh.resource(inbound)?.bytes ?? []).toString();
}

test("key sets of issuers are in what proxies are sent, and replaced with them", () => {
  const mesh = new TrackedMesh({ trustDomain: "test.example" });
  expect(synced(mesh, "one")).toContain('"one"');
  expect(synced(mesh, "two")).toContain('"two"');
});

test("a proposal that takes away the last policy that names a key set changes nothing once it is withdrawn", () => {
  const mesh = new TrackedMesh({ trustDomain: "test.example" });
  const before = synced(mesh, "one");
  const removal = { upserted: [], removed: [policy] };
  expect(runAtOnce(mesh.propose(removal)).changes.map(({ kind }) => kind)).toEqual(["Inbound"]);
  runAtOnce(mesh.withdraw(removal));
  expect(synced(mesh, "one")).toBe(before);
  expect(runAtOnce(mesh.propose({ upserted: [], removed: [] })).changes).toEqual([]);
});

test("what is proposed anew is no older than what was made in the same second", () => {
  const [object] = objects;
  if (object === undefined) throw new Error("no object");
  const proposed = proposedVersion(object, undefined, Date.parse("2026-01-01T00:00:07.500Z"));
  expect(proposed.metadata.creationTimestamp).toBe("2026-01-01T00:00:07Z");
});
