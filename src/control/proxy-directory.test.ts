/** What the directory makes of where connected gateways' machines are. */
import { expect, test } from "bun:test";
import { silentLog, VirtualClock } from "../kernel/index.ts";
import { Registry } from "../registry/index.ts";
import { openSqliteStore } from "../store/index.ts";
import { ProxyDirectory } from "./proxy-directory.ts";

function start() {
  const clock = new VirtualClock();
  const store = openSqliteStore({ path: ":memory:", clock, log: silentLog });
  const registry = new Registry({ store, clock, log: silentLog });
  const told: (string | undefined)[] = [];
  const directory = new ProxyDirectory(registry, "0a1b2c3d.weft", (addresses) =>
    told.push(addresses?.join()),
  );
  const connect = (name: string, addresses?: readonly string[]): void => {
    directory.connected(name, "gateway");
    directory.introduced({ workload: name, namespace: "edge", name, role: "gateway", addresses });
  };
  return { directory, registry, told, connect, close: () => store.close() };
}

test("addresses of all gateways count together, and go with them", () => {
  const { directory, told, connect, close } = start();
  connect("edge/a", ["10.0.0.1", "127.0.0.1"]);
  connect("edge/b", ["10.0.0.2", "127.0.0.1"]);
  directory.disconnected("edge/a");
  expect(told).toEqual(["10.0.0.1,127.0.0.1", "10.0.0.1,10.0.0.2,127.0.0.1", "10.0.0.2,127.0.0.1"]);
  close();
});

test("the last gateway's stay while it is away, and are replaced when it is back", () => {
  const { directory, told, connect, close } = start();
  connect("edge/a", ["10.0.0.1"]);
  directory.disconnected("edge/a");
  expect(told).toEqual(["10.0.0.1"]);
  connect("edge/a", ["10.0.0.9"]);
  expect(told).toEqual(["10.0.0.1", "10.0.0.9"]);
  close();
});

test("nothing is known while one of them does not tell", () => {
  const { directory, told, connect, close } = start();
  connect("edge/a", ["10.0.0.1"]);
  connect("edge/b");
  directory.disconnected("edge/b");
  expect(told).toEqual(["10.0.0.1", undefined, "10.0.0.1"]);
  close();
});

test("who says where metrics are is scraped while it is there, and as long as its workload is registered", async () => {
  const { directory, registry, close } = start();
  const place = { address: "10.0.0.5", port: 15_020 };
  const introduce = (name: string, role: "sidecar" | "gateway", metrics?: typeof place): void => {
    const id = { trustDomain: "0a1b2c3d.weft", namespace: "shop", serviceAccount: "web" };
    directory.admit(`shop/${name}`, id);
    directory.connected(`shop/${name}`, role);
    directory.introduced({ workload: `shop/${name}`, namespace: "shop", name, role, metrics });
  };
  await registry.register({
    ...{
      namespace: "shop",
      name: "web",
      serviceAccount: "web",
      labels: { version: "v2" },
      ports: [],
      annotations: {},
    },
    ...{ addresses: ["10.0.0.5"], tunnelAddress: "", tunnelPort: 0, region: "", zone: "" },
  });
  registry.load();
  introduce("web", "sidecar", place);
  introduce("edge", "gateway", place);
  introduce("silent", "gateway");
  const identity = "spiffe://0a1b2c3d.weft/ns/shop/sa/web";
  const web = { workload: "shop/web", role: "sidecar" as const, identity, version: "v2", place };
  expect(directory.scraped()).toEqual([
    { workload: "shop/edge", role: "gateway", identity, version: "", place },
    web,
  ]);
  directory.disconnected("shop/edge");
  directory.disconnected("shop/web");
  expect(directory.scraped()).toEqual([web]);
  await registry.leave({ namespace: "shop", name: "web", drainOnly: false });
  registry.load();
  expect(directory.scraped()).toEqual([]);
  close();
});
