/** `npm run conformance -- telemetry`: 100,000 requests (`WEFT_NUMBERS_REQUESTS`), counted at every place, and what came of it. */
import { compareNumbers, maxDeviation, prometheusIsMissing } from "./agreement.ts";

const defaultRequests = 100_000;

export async function runTelemetry(): Promise<boolean> {
  const requests = Number(process.env["WEFT_NUMBERS_REQUESTS"] ?? defaultRequests);
  if (!Number.isSafeInteger(requests) || requests < 1)
    throw new Error("WEFT_NUMBERS_REQUESTS: a whole number from 1");
  if (prometheusIsMissing !== undefined) console.log(`telemetry: without Prometheus: ${prometheusIsMissing}`);
  const agreement = await compareNumbers(requests);
  const { sent, surprises, readings, differences, quantiles, requestsPerSecond } = agreement;
  console.log(`telemetry: ${requests} requests, ${requestsPerSecond.toFixed(0)} a second`);
  console.log(`${"sent".padEnd(40)} ${textOf(sent)}`);
  for (const { place, counts } of readings) console.log(`${place.padEnd(40)} ${textOf(counts)}`);
  for (const { name, sentMs, bucketedMs, toldMs } of quantiles) {
    const off = (ms: number): string => `${ms.toFixed(2)} ms (${((ms / sentMs - 1) * 100).toFixed(2)} %)`;
    console.log(
      `${name}: ${sentMs.toFixed(2)} ms at the generator, ${off(bucketedMs)} in buckets, ${off(toldMs)} told`,
    );
  }
  for (const problem of [...surprises.slice(0, 20), ...differences]) console.log(`wrong: ${problem}`);
  const isNear = quantiles.every(({ sentMs, toldMs }) => Math.abs(toldMs / sentMs - 1) <= maxDeviation);
  return isNear && surprises.length === 0 && differences.length === 0;
}

function textOf(counts: Readonly<Record<string, number>>): string {
  const total = Object.values(counts).reduce((sum, count) => sum + count, 0);
  const each = Object.entries(counts).toSorted(([a], [b]) => (a < b ? -1 : 1));
  return `${total}: ${each.map(([key, count]) => `${key} ${count}`).join(", ")}`;
}
