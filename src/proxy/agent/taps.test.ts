/** The stream of taps as the agent keeps it open, and what a parent of workers makes of it. */
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { type TapOrders, TapOrdersSchema, TapUploadSchema } from "../../wire/index.ts";
import type { TapHandler, TapSender } from "./agent.ts";
import { TapRelay } from "./tap-relay.ts";
import { AgentHarness } from "./test/agent-harness.ts";
import { settle } from "./test/settle.ts";

function ordersOf(...ids: bigint[]): TapOrders {
  return create(TapOrdersSchema, { orders: ids.map((id) => ({ id, maxPerSecond: 10 })) });
}

class Recorder implements TapHandler {
  readonly seen: (readonly bigint[] | undefined)[] = [];
  drains = 0;

  onOrders(orders: TapOrders | undefined): void {
    this.seen.push(orders?.orders.map(({ id }) => id));
  }

  onDrain(): void {
    this.drains++;
  }
}

describe("the agent", () => {
  let harness: AgentHarness;
  let handler: Recorder;
  let sender: TapSender;

  beforeEach(async () => {
    harness = new AgentHarness();
    await harness.online();
    handler = new Recorder();
    sender = harness.agent.serveTaps(handler);
  });
  afterEach(() => harness.dispose());

  test("hands orders on and uploads what was seen", () => {
    harness.plane.taps?.onOrders(ordersOf(7n));
    sender.send(new Uint8Array(3));
    harness.plane.taps?.onDrain();
    expect([handler.seen, harness.plane.tapUploads.length, handler.drains]).toEqual([[[7n]], 1, 1]);
  });

  test("ends every tap when the stream ends, and opens another after a while", () => {
    harness.plane.taps?.onOrders(ordersOf(7n));
    harness.plane.cutTaps();
    expect(handler.seen.at(-1)).toBeUndefined();
    expect(harness.plane.tapStreams).toBe(1);
    harness.clock.advance(1_000);
    expect(harness.plane.tapStreams).toBe(2);
  });

  test("waits longer and longer for a control plane that has no such stream", () => {
    for (let i = 0; i < 20; i++) {
      harness.plane.cutTaps();
      harness.clock.advance(60_000);
    }
    expect(harness.plane.tapStreams).toBe(21);
    harness.plane.cutTaps();
    harness.clock.advance(40_000);
    expect(harness.plane.tapStreams).toBe(21);
  });

  test("ends every tap when the control plane is gone, and asks again when it is back", async () => {
    harness.plane.taps?.onOrders(ordersOf(7n));
    harness.plane.cut();
    expect([handler.seen.at(-1), harness.plane.taps]).toEqual([undefined, undefined]);
    sender.send(new Uint8Array(3));
    expect(harness.plane.tapUploads).toEqual([]);
    harness.clock.advance(60_000);
    await settle();
    expect(harness.plane.taps).toBeDefined();
  });
});

describe("the parent of workers", () => {
  function parent() {
    const uploads: Uint8Array[] = [];
    const told: string[] = [];
    const state = { hasRoom: true };
    const relay = new TapRelay({
      agent: {
        serveTaps: () => ({
          send: (upload) => {
            uploads.push(upload);
            return state.hasRoom;
          },
        }),
      },
      workers: 3,
      tell: (worker, bytes) => {
        const { orders } = fromBinary(TapOrdersSchema, bytes);
        told.push(`${worker ?? "all"} ${orders.map((each) => `${each.id}:${each.maxPerSecond}`).join()}`);
      },
    });
    return { relay, uploads, told, state };
  }

  function upload(id: bigint): Uint8Array {
    return toBinary(TapUploadSchema, create(TapUploadSchema, { records: [{ orders: [id] }] }));
  }

  test("shares the rate among them, and tells one that has just started", () => {
    const { relay, told } = parent();
    relay.onOrders(ordersOf(7n));
    relay.receive(2, new Uint8Array(0));
    relay.onOrders(undefined);
    expect(told).toEqual(["all 7:4", "2 7:4", "all "]);
  });

  test("counts what comes while the control plane takes no more", () => {
    const { relay, uploads, state } = parent();
    state.hasRoom = false;
    relay.receive(0, upload(7n));
    relay.receive(1, upload(7n));
    relay.receive(2, upload(7n));
    expect(uploads.length).toBe(1);
    state.hasRoom = true;
    relay.onDrain();
    const last = fromBinary(TapUploadSchema, uploads.at(-1) ?? new Uint8Array(0));
    expect(last.losses.map(({ id, count }) => [id, count])).toEqual([[7n, 2n]]);
    relay.receive(0, upload(7n));
    expect(uploads.length).toBe(3);
  });
});
