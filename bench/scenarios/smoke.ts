/** The same scenario, small enough that a second is plenty: for finding out whether it works at all. */
import type { Scenario } from "./scenario.ts";

const maxConnections = 64;
const fewRoutes = 50;

export function smokeOf(scenario: Scenario): Scenario {
  const { load, routes } = scenario;
  return {
    ...scenario,
    connections: Math.min(scenario.connections, maxConnections),
    routes: routes.map((count) => Math.min(count, fewRoutes)),
    load: load.kind === "stall" ? { ...load, routes: fewRoutes, minSeconds: 4 } : load,
  };
}
