/** What the bench tells the process of simulated proxies, one line of JSON each way. */
import Type from "typebox";
import { Check } from "typebox/value";

const connectOrder = Type.Object({
  order: Type.Literal("connect"),
  /** Proxies that are on their way at a time: connecting, or without their first commit. */
  atOnce: Type.Integer({ minimum: 1, maximum: 10_000 }),
});

const moveOrder = Type.Object({
  order: Type.Literal("move"),
  /** Endpoints that change their address. */
  count: Type.Integer({ minimum: 1, maximum: 1_000_000 }),
  perSecond: Type.Integer({ minimum: 1, maximum: 100_000 }),
  /** How long to wait for the last subscriber after the last change. */
  patienceMs: Type.Integer({ minimum: 1, maximum: 600_000 }),
});

const awaitOrder = Type.Object({ order: Type.Literal("await-reconnect") });

const orderSchema = Type.Union([connectOrder, moveOrder, awaitOrder]);
export type SimulatorOrder = Type.Static<typeof orderSchema>;

const settingsSchema = Type.Object({
  proxies: Type.Integer({ minimum: 1, maximum: 10_000 }),
  port: Type.Integer({ minimum: 1, maximum: 65_535 }),
  dataDir: Type.String(),
  /** It ends by itself after this long, whoever forgets it. */
  lifeMs: Type.Integer({ minimum: 1_000, maximum: 3_600_000 }),
});
export type SimulatorSettings = Type.Static<typeof settingsSchema>;

const reportSchema = Type.Record(Type.String(), Type.Number());
export type SimulatorReport = Type.Static<typeof reportSchema>;

export function parseOrder(line: string): SimulatorOrder {
  return parse(orderSchema, line);
}

export function parseSettings(line: string): SimulatorSettings {
  return parse(settingsSchema, line);
}

export function parseReport(line: string): SimulatorReport {
  return parse(reportSchema, line);
}

function parse<S extends Type.TSchema>(schema: S, line: string): Type.Static<S> {
  const value: unknown = JSON.parse(line);
  if (!Check(schema, value)) throw new Error(`not what the simulator's protocol says: ${line.slice(0, 300)}`);
  return value;
}
