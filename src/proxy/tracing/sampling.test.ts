/** The first digit settles only what all eight would have settled the same way. */
import { expect, test } from "bun:test";
import * as fc from "fast-check";
import { testTelemetry } from "../testing/test-telemetry.ts";
import { isSampledAtHead } from "./sampling.ts";

test("a share of trace ids is chosen by their last eight digits", () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 1_000_000 }), fc.nat({ max: 2 ** 32 - 1 }), (samplingPpm, low) => {
      const { tracing } = testTelemetry({ tracing: { samplingPpm } });
      const traceId = "4bf92f3577b34da6a3ce929d" + low.toString(16).padStart(8, "0");
      expect(isSampledAtHead(tracing, traceId, undefined)).toBe(low < (samplingPpm / 1_000_000) * 2 ** 32);
    }),
    { numRuns: 1_000 },
  );
});
