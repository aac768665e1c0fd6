/**
 * The short form of `npm run conformance -- telemetry`: a mesh counts what it was sent, no more, no less, at every place. How long
 * requests took is compared there, where nothing else runs: a busy machine delays the generator itself by more than what is asked.
 */
import { expect } from "bun:test";
import { testUnless } from "../../e2e/harness/requirements.ts";
import { compareNumbers, prometheusIsMissing } from "./agreement.ts";

testUnless(prometheusIsMissing)(
  "counts at both proxies, the control plane, the dashboard's documents and Prometheus are what was sent",
  async () => {
    const { sent, surprises, readings, differences, quantiles } = await compareNumbers(3_000);
    expect(surprises).toEqual([]);
    expect(differences).toEqual([]);
    expect(sent).toMatchObject({ "GET 200": 2_100, "POST 404": 90 });
    expect(readings).toHaveLength(13);
    for (const { toldMs } of quantiles) expect(toldMs).toBeGreaterThan(15);
  },
  60_000,
);
