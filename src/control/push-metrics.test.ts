/** A histogram as Prometheus reads one: each bucket counts what is in those before it too. */
import { expect, test } from "bun:test";
import { encodePushMetrics } from "./push-metrics.ts";

test("what waits, and how long changes took", () => {
  const text = encodePushMetrics({
    queued: 3,
    starting: 7,
    pushes: { counts: [5, 4, 3, 2, 1, 0, 2], seconds: 31.5 },
    refusals: () => new Map([["shop/web", []]]),
    refusalCounts: new Map([["Outbound", 4]]),
  });
  expect(text.split("\n").filter((line) => !line.startsWith("#"))).toEqual([
    "weft_control_push_queue 3",
    "weft_control_starting_proxies 7",
    'weft_control_push_seconds_bucket{le="0.005"} 5',
    'weft_control_push_seconds_bucket{le="0.02"} 9',
    'weft_control_push_seconds_bucket{le="0.1"} 12',
    'weft_control_push_seconds_bucket{le="0.5"} 14',
    'weft_control_push_seconds_bucket{le="2"} 15',
    'weft_control_push_seconds_bucket{le="10"} 15',
    'weft_control_push_seconds_bucket{le="+Inf"} 17',
    "weft_control_push_seconds_sum 31.5",
    "weft_control_push_seconds_count 17",
    "weft_control_proxies_refusing 1",
    'weft_control_resources_refused_total{kind="Outbound"} 4',
    "",
  ]);
});
