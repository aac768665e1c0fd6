/** What a load generator did and saw. */
import Type from "typebox";
import { Check } from "typebox/value";

const schema = Type.Object({
  /** In the scenario's unit: requests, handshakes, messages, megabytes. */
  work: Type.Number(),
  seconds: Type.Number(),
  errors: Type.Number(),
  p50Ms: Type.Optional(Type.Number()),
  p99Ms: Type.Optional(Type.Number()),
  p999Ms: Type.Optional(Type.Number()),
  maxMs: Type.Optional(Type.Number()),
});

export type LoadReport = Type.Static<typeof schema>;

export function parseLoadReport(program: string, text: string, exitCode: number | null): LoadReport {
  const line = text.split("\n").findLast((each) => each.startsWith("{"));
  const value: unknown = line === undefined ? undefined : JSON.parse(line);
  if (exitCode !== 0 || !Check(schema, value))
    throw new Error(`${program} ended with ${exitCode}: ${text.trim().slice(-300)}`);
  return value;
}
