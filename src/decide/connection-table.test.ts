/** Which backend a connection goes to, compared with a matcher that tries everything; and cases by hand. */
import { expect, test } from "bun:test";
import { create } from "@bufbuild/protobuf";
import { type GatewayListener, GatewayListenerSchema } from "../model/index.ts";
import { ConnectionTable } from "./connection-table.ts";
import { ListenerTable } from "./listener-table.ts";
import { pickNaively, selectListenerNaively } from "./test/naive-connections.ts";
import { randomListeners, randomServerName } from "./test/random-listeners.ts";
import { seededRandom } from "./test/random-routing.ts";

const seed = Number(process.env["WEFT_TEST_SEED"] ?? Math.floor(Math.random() * 2 ** 31));

function listener(name: string, hostname: string, ...entries: string[][]): GatewayListener {
  return create(GatewayListenerSchema, {
    name,
    hostname,
    connections: {
      entries: entries.map((hostnames, rule) => ({ hostnames, rule })),
      rules: entries.map((_, rule) => ({
        source: { kind: "TLSRoute", namespace: "default", name, section: String(rule) },
        backends: [{ cluster: `${name}:${rule}`, weight: 1 }],
      })),
    },
  });
}

const table = ConnectionTable.prepare([
  listener("any", "*", [], ["shop.example.com"]),
  listener("example", "*.example.com", ["*.example.com"], ["a.example.com"], ["*.b.example.com"]),
  listener("empty", "*.empty.example.com"),
]);

test.each([
  ["other.org", "any:0"],
  [undefined, "any:0"],
  ["", "any:0"],
  ["a.example.com", "example:1"],
  ["A.Example.Com.", "example:1"],
  ["shop.example.com", "example:0"],
  ["x.b.example.com", "example:2"],
  ["b.example.com", "example:0"],
  ["example.com", "any:0"],
  // The listener is chosen first and for good, whatever a less specific one would do with the name.
  ["x.empty.example.com", undefined],
])("%s goes to %s", (serverName, cluster) => {
  expect(table.pick(serverName, 0)?.backend.cluster).toBe(cluster);
});

test("without a listener for every name, a client without a server name has none", () => {
  const strict = ConnectionTable.prepare([listener("only", "*.example.com", [])]);
  expect(strict.pick(undefined, 0)).toBeUndefined();
  expect(strict.pick("a.example.com", 0)?.rule.route).toBe("default/only");
});

test("the first entry and the first listener keep a hostname that two claim", () => {
  const twice = ConnectionTable.prepare([listener("a", "*", [], []), listener("b", "*", [])]);
  expect(twice.pick("x", 0)?.backend.cluster).toBe("a:0");
});

test("a rule without a backend, or with one that does not resolve, says why it refuses", () => {
  const refusing = ConnectionTable.prepare([
    create(GatewayListenerSchema, {
      hostname: "*",
      connections: {
        entries: [{ rule: 0 }, { hostnames: ["a.org"], rule: 1 }, { hostnames: ["b.org"], rule: 7 }],
        rules: [{}, { backends: [{ weight: 1, unresolved: "Service default/x does not exist" }] }],
      },
    }),
  ]);
  expect(refusing.pick(undefined, 0)?.backend.unresolved).toContain("no backend");
  expect(refusing.pick("a.org", 0)?.backend.unresolved).toBe("Service default/x does not exist");
  expect(refusing.pick("b.org", 0)?.backend.unresolved).toContain("no backend");
});

test(`agrees with trying everything (WEFT_TEST_SEED=${seed})`, () => {
  const random = seededRandom(seed);
  const outcomes = { backend: 0, none: 0, listener: 0 };
  for (let round = 0; round < 300; round++) {
    const listeners = randomListeners(random);
    const connections = ConnectionTable.prepare(listeners);
    const byName = ListenerTable.prepare(listeners, (each) => each);
    for (let i = 0; i < 30; i++) {
      const serverName = randomServerName(random);
      const share = random();
      const expected = pickNaively(listeners, serverName, share);
      const cluster = connections.pick(serverName, share)?.backend.cluster;
      expect({ listeners, serverName, cluster }).toEqual({ listeners, serverName, cluster: expected });
      expect(byName.select(serverName)).toBe(selectListenerNaively(listeners, serverName));
      if (expected === undefined) outcomes.none++;
      else outcomes.backend++;
      if (byName.select(serverName) !== undefined) outcomes.listener++;
    }
  }
  for (const count of Object.values(outcomes)) expect(count).toBeGreaterThan(500);
});
