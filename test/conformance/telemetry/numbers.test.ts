/** The short form of `npm run conformance -- telemetry`: a mesh counts what it was sent, no more, no less, at every place, and knows how long it took. */
import { expect } from "bun:test";
import { testUnless } from "../../e2e/harness/requirements.ts";
import { compareNumbers, maxDeviation, prometheusIsMissing } from "./agreement.ts";

testUnless(prometheusIsMissing)(
  "counts at both proxies, the control plane, the dashboard's documents and Prometheus are what was sent, quantiles within 5 %",
  async () => {
    const { sent, surprises, readings, differences, quantiles } = await compareNumbers(3_000);
    expect(surprises).toEqual([]);
    expect(differences).toEqual([]);
    expect(sent).toMatchObject({ "GET 200": 2_100, "POST 404": 90 });
    expect(readings).toHaveLength(13);
    for (const { sentMs, toldMs } of quantiles)
      expect(Math.abs(toldMs / sentMs - 1)).toBeLessThanOrEqual(maxDeviation);
  },
  60_000,
);
