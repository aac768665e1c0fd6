/** What a tap sends, made into rows and waterfalls, whatever it is that it sends. */
import { expect, test } from "bun:test";
import * as fc from "fast-check";
import { hopsOf } from "../../testing/fake-tap.ts";
import { shopMesh } from "../../testing/fake-mesh.ts";
import { isFailed, readTapRecord, statusText } from "./tap-record.ts";
import { afterMessages, idleTap, LineReader, maxRecords, readTapMessage } from "./tap-stream.ts";
import { waterfallOf } from "./waterfall.ts";

const records = hopsOf(shopMesh(), 3, 1_800_000_000_000).flatMap((hop) => readTapRecord(hop) ?? []);

test("protobuf's JSON is read with its defaults", () => {
  const record = readTapRecord({
    direction: "DIRECTION_OUTBOUND",
    endUs: "1500",
    requestHeaders: [{ name: "a", value: "Yg==" }],
  });
  expect(record).toMatchObject({
    direction: "outbound",
    endUs: 1500,
    status: 0,
    grpcStatus: -1,
    tries: [],
    requestHeaders: [{ name: "a", value: "b" }],
  });
  expect(readTapRecord("no object")).toBeUndefined();
});

test("anything that comes is read or left out, and never thrown at the page", () => {
  fc.assert(
    fc.property(fc.json(), (text) => {
      readTapMessage(text);
      readTapMessage(JSON.stringify({ type: "record", record: JSON.parse(text) }));
    }),
  );
  expect(readTapMessage("{")).toBeUndefined();
});

test("lines are the same wherever the stream is cut", () => {
  const bytes = new TextEncoder().encode('{"a":"ü"}\n{"b":1}\n{"c"');
  for (let cut = 0; cut <= bytes.length; cut++) {
    const lines = new LineReader();
    expect([...lines.push(bytes.slice(0, cut)), ...lines.push(bytes.slice(cut))]).toEqual([
      '{"a":"ü"}',
      '{"b":1}',
    ]);
  }
});

test("the page keeps the newest records only, and counts all", () => {
  const [record] = records;
  if (record === undefined) throw new Error("no record");
  let state = idleTap;
  for (let n = 0; n < 30; n++)
    state = afterMessages(
      state,
      Array.from({ length: 40 }, () => ({ type: "record", record })),
    );
  expect([state.records.length, state.seen]).toEqual([maxRecords, 1_200]);
  state = afterMessages(state, [
    { type: "loss", count: 4 },
    { type: "end", why: "over" },
  ]);
  expect([state.lost, state.phase, state.why]).toEqual([4, "ended", "over"]);
});

test("failures are a server's fault or have a reason", () => {
  const [record] = records;
  if (record === undefined) throw new Error("no record");
  const of = (part: object) => ({ ...record, status: 200, reason: "", grpcStatus: -1, ...part });
  expect(
    [
      of({}),
      of({ status: 404 }),
      of({ status: 503 }),
      of({ reason: "no_route" }),
      of({ grpcStatus: 14 }),
      of({ grpcStatus: 5 }),
    ].map(isFailed),
  ).toEqual([false, false, true, true, true, false]);
  expect([of({}), of({ status: 0, reason: "no_route" }), of({ grpcStatus: 0 })].map(statusText)).toEqual([
    "200",
    "no_route",
    "gRPC 0",
  ]);
});

test("hops lie within their callers although a clock is off", () => {
  const { hops, totalUs } = waterfallOf(records);
  expect(hops.length).toBe(records.length);
  expect(hops.some(({ movedUs }) => movedUs !== 0)).toBe(true);
  for (const hop of hops) {
    expect(hop.fromUs).toBeGreaterThanOrEqual(0);
    expect(hop.toUs).toBeLessThanOrEqual(totalUs);
  }
  const [client, server] = hops;
  expect([client?.depth, server?.depth]).toEqual([0, 1]);
  expect((server?.fromUs ?? 0) >= (client?.fromUs ?? 0) && (server?.toUs ?? 0) <= (client?.toUs ?? 0)).toBe(
    true,
  );
});

test("phases follow one another and end with the hop", () => {
  for (const { phases, fromUs, toUs } of waterfallOf(records).hops) {
    expect(phases[0]?.fromUs).toBe(fromUs);
    expect(phases.at(-1)?.toUs).toBe(toUs);
    for (const [index, phase] of phases.slice(1).entries())
      expect(phase.fromUs).toBe(phases[index]?.toUs ?? -1);
  }
  expect(waterfallOf([])).toEqual({ hops: [], totalUs: 0 });
});
