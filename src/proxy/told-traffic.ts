/** What a whole proxy sends away of its traffic, by the newest snapshot: to which collectors, and whether requests have traces. */
import type { PreparedTelemetry } from "../decide/telemetry/index.ts";
import type { Collector } from "../model/index.ts";
import type { Snapshot } from "./agent/index.ts";
import { OutcomeFacts } from "./observation/index.ts";
import type { ServeContext } from "./serve/context.ts";
import type { FactsOf } from "./tracing/tracer.ts";

/**
 * A sidecar tells what its workload's settings say. A gateway proxy serves several Gateways: it sends to the collectors of
 * all of them, and requests have traces where any Gateway wants them; what is kept says each request's own.
 */
export function applyTelemetry(context: ServeContext, snapshot: Snapshot): void {
  const said = settingsOf(context, snapshot);
  context.applyTelemetry(
    said.find(({ tracing }) => tracing.isEnabled) ?? said[0],
    factsOf,
    collectorsOf(said),
  );
}

function settingsOf(context: ServeContext, { inbound, gateways }: Snapshot): PreparedTelemetry[] {
  const models =
    inbound === undefined ? gateways.map(({ listeners }) => listeners[0]?.telemetry) : [inbound.telemetry];
  return models.flatMap((model) => context.telemetry.of(model, undefined) ?? []);
}

/** One that several Gateways name is one. */
function collectorsOf(said: readonly PreparedTelemetry[]): readonly Collector[] {
  const distinct = new Map<string, Collector>();
  for (const collector of said.flatMap(({ collectors }) => collectors)) {
    distinct.set(JSON.stringify(collector), collector);
  }
  return [...distinct.values()];
}

let facts: OutcomeFacts | undefined;

const factsOf: FactsOf = (outcome) => (facts = facts?.of(outcome) ?? new OutcomeFacts(outcome));
