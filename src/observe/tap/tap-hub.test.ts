/** What proxies are told to tap, whose word is taken, and who gets what. */
import { beforeEach, describe, expect, test } from "bun:test";
import { create, fromBinary, type MessageInitShape } from "@bufbuild/protobuf";
import { VirtualClock } from "../../kernel/index.ts";
import { ExpressionSchema } from "../../model/index.ts";
import {
  Direction,
  type TapOrders,
  type TapRecord,
  TapRecordSchema,
  TapUploadSchema,
} from "../../wire/index.ts";
import { inCausalOrder } from "./causal-order.ts";
import { RecentRecords } from "./recent-records.ts";
import { TapHub } from "./tap-hub.ts";
import type { TapListener, TapSpec } from "./tap-spec.ts";

const web = "spiffe://m/ns/shop/sa/web";
const spec: TapSpec = {
  targets: [],
  filter: undefined,
  headers: false,
  maxBodyBytes: 0,
  maxPerSecond: 10,
  durationMs: 60_000,
};

class Listener implements TapListener {
  readonly records: TapRecord[] = [];
  readonly losses: string[] = [];
  ended = "";

  onRecord(record: TapRecord): void {
    this.records.push(record);
  }

  onLoss(proxy: string, count: number): void {
    this.losses.push(`${proxy} ${count}`);
  }

  onEnd(why: string): void {
    this.ended = why;
  }
}

function record(init: MessageInitShape<typeof TapRecordSchema> = {}): TapRecord {
  return create(TapRecordSchema, {
    orders: [1n],
    direction: Direction.OUTBOUND,
    proxy: "shop/web-1",
    sourceWorkload: "shop/web-1",
    sourceIdentity: web,
    ...init,
  });
}

let clock: VirtualClock;
let hub: TapHub;

beforeEach(() => {
  clock = new VirtualClock();
  hub = new TapHub({ clock, maxTaps: 2 });
});

function proxy(identity = web, workload = "shop/web-1") {
  const told: TapOrders[] = [];
  const { connection } = hub.connect({
    identity,
    maySpeakFor: (name) => name === workload,
    send: (orders) => void told.push(orders),
  });
  const send = (...records: TapRecord[]): void => connection.receive(create(TapUploadSchema, { records }));
  return { told, connection, send };
}

describe("orders", () => {
  test("go to whoever is connected and to whoever comes later, until the last tap ends", () => {
    const first = proxy();
    expect(first.told).toEqual([]);
    const tap = hub.start(spec, new Listener());
    expect(tap.proxies).toBe(1);
    const second = proxy();
    clock.advance(10_000);
    const third = proxy();
    tap.stop();
    expect(first.told.map(({ orders }) => orders.length)).toEqual([1, 0]);
    expect(second.told.map(({ orders }) => orders.length)).toEqual([1, 0]);
    expect(third.told[0]?.orders[0]?.remainingMs).toBe(50_000n);
  });

  test("hold targets and filter in one expression", () => {
    const { told } = proxy();
    const filter = create(ExpressionSchema, {
      kind: { case: "attribute", value: { name: "connection.mtls", keys: [] } },
    });
    hub.start({ ...spec, targets: [{ kind: "workload", name: "shop/web-1" }], filter }, new Listener());
    const sent = fromBinary(ExpressionSchema, told[0]?.orders[0]?.filter ?? new Uint8Array(0));
    expect(
      JSON.stringify(sent, (_, value: unknown) => (typeof value === "bigint" ? String(value) : value)),
    ).toMatch(/source\.workload.*shop\/web-1.*destination\.workload.*shop\/web-1.*connection\.mtls/);
  });

  test("end by themselves, and tell why", () => {
    const { told } = proxy();
    const listener = new Listener();
    hub.start(spec, listener);
    clock.advance(60_000);
    expect([listener.ended, hub.size, told.at(-1)?.orders]).toEqual(["its time is over", 0, []]);
  });

  test("are no more at once than there may be", () => {
    hub.start(spec, new Listener());
    hub.start(spec, new Listener());
    expect(() => hub.start(spec, new Listener())).toThrow("2 taps are running already");
  });
});

describe("records", () => {
  test("are for those whose filter they passed, without what these did not ask for", () => {
    const { send } = proxy();
    const [plain, full] = [new Listener(), new Listener()];
    hub.start(spec, plain);
    hub.start({ ...spec, headers: true, maxBodyBytes: 2 }, full);
    const requestHeaders = [{ name: "a", value: Uint8Array.of(98) }];
    send(
      record({ orders: [1n, 2n], requestHeaders, requestBody: Uint8Array.of(1, 2, 3) }),
      record({ orders: [2n] }),
    );
    expect([plain.records.length, full.records.length]).toEqual([1, 2]);
    expect(plain.records[0]).toMatchObject({
      orders: [],
      requestHeaders: [],
      requestBody: new Uint8Array(0),
    });
    expect(full.records[0]?.requestHeaders.length).toBe(1);
    expect([...(full.records[0]?.requestBody ?? [])]).toEqual([1, 2]);
  });

  test.each<[string, MessageInitShape<typeof TapRecordSchema>]>([
    ["of another identity", { sourceIdentity: "spiffe://m/ns/shop/sa/db" }],
    ["of a workload that is not its own", { proxy: "shop/db-1", sourceWorkload: "shop/db-1" }],
    ["of the other side", { direction: Direction.INBOUND }],
    ["of one workload in the name of another", { sourceWorkload: "shop/db-1" }],
    ["without a side", { direction: Direction.UNSPECIFIED }],
  ])("%s are refused and counted", (_, init) => {
    const { send } = proxy();
    const listener = new Listener();
    hub.start(spec, listener);
    send(record(init));
    expect([listener.records, hub.refusedRecords]).toEqual([[], 1]);
  });

  test("of a proxy that keeps to no bound are cut to one", () => {
    const { send } = proxy();
    const listener = new Listener();
    hub.start({ ...spec, headers: true, maxBodyBytes: 65_536 }, listener);
    const long = "x".repeat(100_000);
    const headers = Array.from({ length: 5_000 }, () => ({ name: long, value: Buffer.from(long) }));
    const hostile = record({
      ...{ requestId: long, detail: long, destinationPort: 70_000, requestHeaders: headers },
      ...{
        requestBody: Buffer.alloc(100_000),
        tries: Array.from({ length: 5_000 }, () => ({ address: long })),
      },
    });
    send(hostile);
    const [told] = listener.records;
    expect(told).toMatchObject({ requestId: "x".repeat(2_048), destinationPort: 0 });
    expect([told?.requestHeaders.length, told?.requestBody.length, told?.tries.length]).toEqual([
      100, 65_536, 32,
    ]);
  });

  test("of a proxy that keeps to no rate are not all taken", () => {
    const { send } = proxy();
    const listener = new Listener();
    hub.start(spec, listener);
    send(...Array.from({ length: 100 }, () => record()));
    expect([listener.records.length, listener.losses.length]).toEqual([20, 80]);
    clock.advance(1_000);
    send(record());
    expect(listener.records.length).toBe(21);
  });

  test("that a proxy lost are told with its name", () => {
    const { connection, send } = proxy();
    const listener = new Listener();
    hub.start(spec, listener);
    const lost = create(TapUploadSchema, { losses: [{ id: 1n, count: 5n }] });
    connection.receive(lost);
    send(record());
    connection.receive(lost);
    expect(listener.losses).toEqual([`${web} 5`, "shop/web-1 5"]);
  });

  test("of a tap that has ended are nobody's", () => {
    const { send } = proxy();
    const listener = new Listener();
    hub.start(spec, listener).stop();
    send(record({ requestId: "r" }));
    expect([listener.records, hub.request("r")]).toEqual([[], []]);
  });
});

describe("one request", () => {
  const hop = (direction: Direction, who: string, startUnixUs: bigint, more = {}): TapRecord => {
    const [sourceWorkload = "", destinationWorkload = ""] = who.split(">");
    return create(TapRecordSchema, {
      ...{ requestId: "r", direction, sourceWorkload, destinationWorkload, startUnixUs },
      ...more,
    });
  };
  const names = (records: readonly TapRecord[]): string[] =>
    records.map((each) =>
      each.direction === Direction.OUTBOUND
        ? `${each.sourceWorkload}>${each.destinationWorkload}`
        : `${each.sourceWorkload}>${each.destinationWorkload} in`,
    );

  test("is told hop by hop in causal order although clocks differ", () => {
    const hops = [
      hop(Direction.INBOUND, "b>d", 1n),
      hop(Direction.OUTBOUND, "b>d", 30n),
      hop(Direction.INBOUND, "a>b", 500n),
      hop(Direction.OUTBOUND, "b>c", 20n),
      hop(Direction.OUTBOUND, "a>b", 100n, { tries: [{ workload: "b0" }, { workload: "b" }] }),
      hop(Direction.INBOUND, "a>b0", 900n),
      hop(Direction.INBOUND, "b>c", 5n),
    ];
    expect(names(inCausalOrder(hops))).toEqual([
      "a>b",
      "a>b in",
      "b>c",
      "b>c in",
      "b>d",
      "b>d in",
      "a>b0 in",
    ]);
  });

  test("that goes in a circle comes to an end", () => {
    const hops = [hop(Direction.OUTBOUND, "a>b", 2n), hop(Direction.INBOUND, "b>a", 1n)];
    expect(names(inCausalOrder(hops)).length).toBe(2);
    expect(names(inCausalOrder([...hops, hop(Direction.INBOUND, "a>b", 3n)])).length).toBe(3);
  });

  test("is found by its id, with what only its trace tells of", () => {
    const recent = new RecentRecords();
    recent.add(hop(Direction.OUTBOUND, "a>b", 1n, { traceId: "t" }));
    recent.add(hop(Direction.OUTBOUND, "b>c", 2n, { traceId: "t", requestId: "other" }));
    recent.add(hop(Direction.OUTBOUND, "x>y", 2n, { requestId: "else" }));
    expect(names(recent.request("r"))).toEqual(["a>b", "b>c"]);
  });

  test("is forgotten when newer ones need the room", () => {
    const few = new RecentRecords(3);
    for (let i = 0; i < 5; i++) few.add(hop(Direction.OUTBOUND, "a>b", BigInt(i), { requestId: `r${i}` }));
    expect([few.size, few.request("r1").length, few.request("r2").length]).toEqual([3, 0, 1]);
    const small = new RecentRecords(1_000, 10_000);
    for (let i = 0; i < 100; i++) small.add(hop(Direction.OUTBOUND, "a>b", BigInt(i)));
    expect(small.size).toBeLessThan(11);
  });
});
