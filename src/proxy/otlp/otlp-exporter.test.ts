/** The exporter against real receivers that take, refuse, are slow, and break. */
import { describe, expect, test } from "bun:test";

import { VirtualClock } from "../../kernel/index.ts";
import { TestCollector, testCollector } from "../testing/collector.ts";
import { eventually } from "../testing/eventually.ts";
import { gatherMs } from "./signal-exporter.ts";
import { ExportingProxy } from "./test/exporting-proxy.ts";

describe("over gRPC", () => {
  test("spans that came within five seconds are one request", async () => {
    using collector = await TestCollector.start();
    const clock = new VirtualClock();
    using proxy = new ExportingProxy(collector.port, { clock }).apply(testCollector());
    proxy.spans(3);
    clock.advance(gatherMs - 1);
    expect(collector.requests).toHaveLength(0);
    clock.advance(1);
    await eventually(() => proxy.counts.includes("traces sent 3"), "sent");
    expect(collector.requests).toHaveLength(1);
    expect(collector.spans).toHaveLength(3);
    expect(proxy.warnings).toEqual([]);
  });
});
