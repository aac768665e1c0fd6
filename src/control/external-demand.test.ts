/** A proxy is told of the external services that its application calls, and of no others. */
import { afterEach, beforeEach, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fromBinary } from "@bufbuild/protobuf";
import { parseObject } from "../api/index.ts";
import { allUpserts, SubscriptionCore } from "../distribute/index.ts";
import { silentLog, VirtualClock } from "../kernel/index.ts";
import { MeshSchema } from "../model/index.ts";
import { Registry } from "../registry/index.ts";
import { openSqliteStore, type Store, type Write } from "../store/index.ts";
import { CompiledSource } from "./compiled-source.ts";
import { Configuration } from "./configuration.ts";
import { writeInitialObjects } from "./initial-objects.ts";
import { StatusQueue } from "./status-queue.ts";

const directory = mkdtempSync(join(tmpdir(), "weft-external-"));
const clock = new VirtualClock();
let store: Store;
let registry: Registry;
let statuses: StatusQueue;
let configuration: Configuration;

beforeEach(async () => {
  store = openSqliteStore({ path: join(directory, "store.sqlite"), clock, log: silentLog });
  await writeInitialObjects(store);
});

afterEach(async () => {
  configuration.close();
  registry.close();
  await statuses.close();
  store.close();
  rmSync(directory, { recursive: true, force: true });
});

function external(name: string, spec: object): Write {
  const metadata = { name };
  const parsed = parseObject(
    { apiVersion: "weft.dev/v1alpha1", kind: "ExternalService", metadata, spec },
    "write",
  );
  if ("issues" in parsed) throw new Error(JSON.stringify(parsed.issues));
  return { type: "put", object: parsed.object };
}

const commit = (...writes: Write[]) => store.commit(writes, { author: "test", message: "" });

/** A proxy that says what it was sent: "Kind key", "-Kind key" for what is not there. */
function connect() {
  const core = new SubscriptionCore(new CompiledSource(configuration), clock);
  type Change = Parameters<Parameters<typeof core.open>[1]>[0];
  const pending: Change[] = [];
  const identity = { workload: "default/web", namespace: "default", name: "web", role: "sidecar" } as const;
  const subscriber = core.open(identity, (change) => pending.push(change));
  let mesh: Uint8Array = new Uint8Array(0);
  const received = (): string[] => {
    const lines: string[] = [];
    subscriber.flush();
    for (let change = pending.shift(); change !== undefined; change = pending.shift()) {
      for (const { kind, key, resource } of allUpserts(change)) {
        lines.push(`${kind} ${key}`);
        if (kind === "Mesh") mesh = resource.bytes;
      }
      for (const { kind, key } of change.removals) lines.push(`-${kind} ${key}`);
      subscriber.acknowledge(change.sequence);
      subscriber.flush();
    }
    return lines.toSorted();
  };
  return {
    received,
    ask: (kind: "Name" | "Address" | "Outbound", key: string): string[] => {
      subscriber.subscribe(kind, [key]);
      return received();
    },
    mesh: () => fromBinary(MeshSchema, mesh),
    /** All that stands in the mesh's own resource. */
    meshText: () => Buffer.from(mesh).toString("latin1"),
  };
}

test("names, wildcards and prefixes of others are nothing to it", async () => {
  const others = Array.from({ length: 50 }, (_, i) =>
    external(`other-${i}`, {
      hosts: [`other-${i}.example.net`],
      ports: [{ port: 443, protocol: "TLS" }],
      virtualIPs: [`240.240.9.${i + 1}`],
    }),
  );
  const wild = external("wild", {
    hosts: ["*.example.org"],
    ports: [{ port: 443, protocol: "TLS" }],
    resolution: "None",
    virtualIPs: ["240.240.8.1"],
  });
  const net = external("net", { addresses: ["192.0.2.0/24"], ports: [{ port: 5432 }], resolution: "None" });
  await commit(...others, wild, net);
  registry = new Registry({ store, clock, log: silentLog });
  statuses = new StatusQueue({ store, clock, log: silentLog });
  const trust = { trustDomain: "0a1b2c3d.weft", trustRoots: [] };
  configuration = new Configuration({ store, registry, statuses, ...trust, log: silentLog });
  const proxy = connect();

  expect(proxy.received()).toEqual(["Mesh mesh"]);
  expect(proxy.mesh()).toMatchObject({ externalPrefixes: ["192.0.2.0/24"], hasExternalNames: true });
  expect(proxy.meshText()).not.toContain("example");

  // What is asked for is answered, each with what it cannot be used without.
  expect(proxy.ask("Name", "www.example.org")).toEqual(["Name www.example.org"]);
  expect(proxy.ask("Address", "240.240.8.1")).toEqual(["Address 240.240.8.1"]);
  expect(proxy.ask("Outbound", "default/wild:443@default")).toEqual([
    "Cluster default/wild:443",
    "Outbound default/wild:443@default",
  ]);
  expect(proxy.ask("Name", "www.example.com")).toEqual(["-Name www.example.com"]);
  expect(proxy.ask("Address", "192.0.2.7")).toEqual(["Address 192.0.2.7"]);

  // What happens to others is not told.
  const changed = external("other-1", {
    hosts: ["changed.example.net"],
    ports: [{ port: 443, protocol: "TLS" }],
    virtualIPs: ["240.240.9.2"],
  });
  const more = external("more", {
    hosts: ["more.example.net"],
    ports: [{ port: 80, protocol: "HTTP" }],
  });
  await commit(changed, more);
  expect(proxy.received()).toEqual([]);

  // What happens to its own is: a prefix that is new, a name that it asked for, a service that it calls.
  const second = external("second", {
    addresses: ["198.51.100.0/24"],
    ports: [{ port: 22 }],
    resolution: "None",
  });
  await commit(second);
  expect(proxy.received()).toEqual(["Mesh mesh"]);
  const answer = {
    hosts: ["www.example.com"],
    ports: [{ port: 80, protocol: "HTTP" }],
    virtualIPs: ["240.240.8.2"],
  };
  await commit(external("late", answer));
  expect(proxy.received()).toEqual(["Name www.example.com"]);
  await commit({ type: "delete", key: { kind: "ExternalService", namespace: "default", name: "wild" } });
  expect(proxy.received()).toEqual([
    "-Address 240.240.8.1",
    "-Cluster default/wild:443",
    "-Name www.example.org",
    "-Outbound default/wild:443@default",
  ]);
});
