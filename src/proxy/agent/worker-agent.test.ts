/** A worker's agent: what it asks its parent for, when whoever waits is answered, and whose certificate it shows. */
import { beforeEach, describe, expect, test } from "bun:test";
import { fromBinary, create, toBinary } from "@bufbuild/protobuf";
import { createLog, VirtualClock } from "../../kernel/index.ts";
import { AddressSchema } from "../../model/index.ts";
import { type TapOrders, TapOrdersSchema, TelemetryReportSchema } from "../../wire/index.ts";
import type { AgentStatus } from "./agent.ts";
import type { AgentLookup } from "./parent-link.ts";
import type { DemandName } from "./demands.ts";
import { WorkerAgent } from "./worker-agent.ts";

const status: AgentStatus = {
  isReady: true,
  isConnected: true,
  revision: 9,
  identity: "spiffe://mesh/ns/shop/sa/web",
  certificateNotAfterMs: 1_000,
  subscriptions: 3,
  rejected: [],
  lastError: "",
};
const identity = { certChainPem: "first", privateKeyPem: "key", trustRootsPem: "roots" };
const ip = "10.0.0.1";
const address = {
  kind: "Address" as const,
  name: ip,
  version: "1",
  bytes: toBinary(AddressSchema, create(AddressSchema, {})),
};

let clock: VirtualClock;
let asked: AgentLookup[];
let touched: (readonly DemandName[])[];
let reports: Uint8Array[];
let tapped: Uint8Array[];
let agent: WorkerAgent;

beforeEach(() => {
  clock = new VirtualClock();
  asked = [];
  touched = [];
  reports = [];
  tapped = [];
  agent = new WorkerAgent({
    addresses: [],
    standing: { identity, status },
    link: {
      lookup: (lookup) => void asked.push(lookup),
      prefetch: () => {},
      touched: (names) => void touched.push(names),
      report: (bytes) => void reports.push(bytes),
      tapped: (bytes) => void tapped.push(bytes),
    },
    clock,
    log: createLog({ format: "text", level: "error" }),
  });
  agent.commit({ revision: 4, upserts: [], removals: [] });
});

describe("a lookup", () => {
  test("is asked for once, and answered by the change that holds the answer", () => {
    const seen: unknown[] = [];
    for (const deadlineMs of [100, 50]) {
      agent.resolveAddress(ip, deadlineMs, (result) => seen.push([result, agent.snapshot.lookupAddress(ip)]));
    }
    expect(asked).toEqual([{ kind: "Address", key: ip, deadlineMs: 100 }]);
    agent.commit({ revision: 5, upserts: [address], removals: [] });
    expect(seen).toHaveLength(2);
    for (const pair of seen) expect(pair).toEqual([agent.snapshot.lookupAddress(ip), expect.anything()]);
    clock.advance(1_000);
    expect(seen).toHaveLength(2);
  });

  test("is asked for again by whoever waits longer than the parent was told to", () => {
    for (const deadlineMs of [50, 100]) agent.resolveAddress(ip, deadlineMs, () => {});
    expect(asked.map(({ deadlineMs }) => deadlineMs)).toEqual([50, 100]);
  });

  test("of what does not exist is answered with that", () => {
    const seen: unknown[] = [];
    agent.resolveName("nobody.example", 100, (result) => seen.push(result));
    agent.commit({ revision: 5, upserts: [], removals: [{ kind: "Name", name: "nobody.example" }] });
    agent.resolveName("nobody.example", 100, (result) => seen.push(result));
    expect(seen).toEqual(["unknown", "unknown"]);
    expect(asked).toHaveLength(1);
  });

  test.each([
    ["nothing comes in time", () => clock.advance(100)],
    ["the parent has no room", () => agent.refuse({ kind: "Outbound", key: "k" })],
    ["the agent is closed", () => agent.close()],
  ])("is unavailable when %s", (_, end) => {
    const seen: unknown[] = [];
    agent.resolveOutbound("k", 100, (result) => seen.push(result));
    end();
    clock.advance(1_000);
    expect(seen).toEqual(["unavailable"]);
  });

  test("that was cancelled is not answered", () => {
    let calls = 0;
    agent.resolveAddress(ip, 100, () => calls++)?.cancel();
    agent.commit({ revision: 5, upserts: [address], removals: [] });
    clock.advance(1_000);
    expect(calls).toBe(0);
  });

  test("is asked for anew once nobody asks for the resource any more", () => {
    agent.commit({ revision: 5, upserts: [address], removals: [] });
    agent.commit({
      revision: 5,
      upserts: [],
      removals: [],
      forgotten: [{ kind: "Address", name: ip }],
    });
    agent.resolveAddress(ip, 100, () => {});
    expect(asked).toHaveLength(1);
  });
});

test("uses are told together, each once", () => {
  agent.commit({ revision: 5, upserts: [address], removals: [] });
  for (let i = 0; i < 3; i++) agent.resolveAddress(ip, 100, () => {});
  agent.touch("Outbound", "k");
  agent.flushTouches();
  agent.flushTouches();
  expect(touched).toEqual([
    [
      { kind: "Address", key: ip },
      { kind: "Outbound", key: "k" },
    ],
  ]);
});

test("a new certificate is shown from then on, and the standing is the parent's but for the revision", () => {
  const seen: string[] = [];
  agent.onIdentity(({ certChainPem }) => seen.push(certChainPem));
  expect(agent.identity()).toBe(identity);
  agent.setStanding({ identity: { ...identity, certChainPem: "second" }, status });
  expect(agent.identity().certChainPem).toBe("second");
  expect(agent.identity()).toBe(agent.identity());
  expect(seen).toEqual(["second"]);
  expect(agent.status).toMatchObject({ identity: status.identity, revision: 4, isConnected: true });
});

test("the last telemetry is told before it ends", async () => {
  agent.reportTelemetry({ take: () => create(TelemetryReportSchema, { proxy: "shop/web" }) });
  await agent.drainAndLeave(() => Promise.resolve());
  expect(reports.map((bytes) => fromBinary(TelemetryReportSchema, bytes).proxy)).toEqual(["shop/web"]);
});

test("taps ask the parent for their orders, get them, and send through it", () => {
  const seen: (number | undefined)[] = [];
  const handler = {
    onOrders: (orders: TapOrders | undefined) => void seen.push(orders?.orders.length),
    onDrain: () => {},
  };
  const sender = agent.serveTaps(handler);
  agent.setTapOrders(toBinary(TapOrdersSchema, create(TapOrdersSchema, { orders: [{ id: 1n }] })));
  agent.setTapOrders(new Uint8Array(0));
  expect(sender.send(new Uint8Array(5))).toBe(true);
  expect(seen).toEqual([1, undefined]);
  expect(tapped.map(({ length }) => length)).toEqual([0, 5]);
});
