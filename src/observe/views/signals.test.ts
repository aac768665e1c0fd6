/** Signals of the whole mesh: each request once, whichever sides told of it. */
import { expect, test } from "bun:test";
import { create, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import { VirtualClock } from "../../kernel/index.ts";
import { Direction, type EdgeDeltaSchema, TelemetryReportSchema } from "../../wire/index.ts";
import { Aggregator } from "../aggregator.ts";
import { signals, type SignalsQuery } from "./signals.ts";

const identityOf = (name: string): string => `spiffe://a.weft/ns/shop/sa/${name}`;

/** One edge as the proxy of `by` tells it. */
function tell(
  aggregator: Aggregator,
  { from, to, by, count }: { from: string; to: string; by: string; count: number },
): void {
  const edge: MessageInitShape<typeof EdgeDeltaSchema> = {
    direction: by === from ? Direction.OUTBOUND : Direction.INBOUND,
    ...(from === "" ? {} : { sourceWorkload: `shop/${from}`, sourceIdentity: identityOf(from) }),
    destinationWorkload: `shop/${to}`,
    destinationIdentity: identityOf(to),
    destinationService: `shop/${to}`,
    destinationPort: 80,
    protocol: "http",
    responseClass: "2xx",
    mtls: from !== "",
    count: BigInt(count),
  };
  const report = create(TelemetryReportSchema, { proxy: `shop/${by}`, edges: [edge] });
  aggregator.receive(toBinary(TelemetryReportSchema, report), identityOf(by));
}

function keysAndCounts(aggregator: Aggregator, query: SignalsQuery, nowMs: number): Record<string, number> {
  const { groups } = signals(aggregator, query, nowMs);
  return Object.fromEntries(groups.map(({ key, totals }) => [key, totals.count]));
}

test("of the whole mesh, the caller's side counts, and the callee's where the caller tells nothing", () => {
  const clock = new VirtualClock(1_700_000_000_000);
  const aggregator = new Aggregator({ clock });
  tell(aggregator, { from: "web", to: "cart", by: "web", count: 10 });
  tell(aggregator, { from: "web", to: "cart", by: "cart", count: 9 });
  tell(aggregator, { from: "", to: "web", by: "web", count: 7 });
  clock.advance(1_000);
  const counts = (query: SignalsQuery): Record<string, number> =>
    keysAndCounts(aggregator, query, clock.nowMs());
  expect(counts({})).toEqual({ all: 17 });
  expect(counts({ direction: "outbound" })).toEqual({ all: 17 });
  expect(counts({ by: "source" })).toEqual({ "shop/web": 10, unknown: 7 });
  expect(counts({ by: "workload" })).toEqual({ "shop/cart": 10, "shop/web": 7 });
  expect(counts({ of: { service: "shop/cart" } })).toEqual({ all: 10 });
});
