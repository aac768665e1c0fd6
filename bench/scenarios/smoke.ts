/** The same scenario, small enough that a second is plenty: for finding out whether it works at all. */
import type { Scenario } from "./scenario.ts";

const maxConnections = 64;
const fewRoutes = 50;
const fewPolicies = 40;

export function smokeOf(scenario: Scenario): Scenario {
  const { load, routes, policies } = scenario;
  return {
    ...scenario,
    connections: Math.min(scenario.connections, maxConnections),
    routes: routes.map((count) => Math.min(count, fewRoutes)),
    policies: policies.map((count) => Math.min(count, fewPolicies)),
    load: load.kind === "stall" ? { ...load, routes: fewRoutes, minSeconds: 4 } : load,
  };
}
