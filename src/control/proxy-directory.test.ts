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
    directory.gatewayIntroduced(name, addresses);
  };
  return { directory, told, connect, close: () => store.close() };
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
