/** What a service's page shows: its endpoints, the routes and policies that are about it, who calls it and whom it calls. */
import { anyText } from "./formats.ts";
import { flag, integer, list, object, oneOf, text, type ValueOf } from "./schema.ts";
import { serviceSummarySchema } from "./service-summaries.ts";
import { figure } from "./signals.ts";
import { topologyEdgeSchema } from "./topology.ts";

const safe = Number.MAX_SAFE_INTEGER;
const maxEndpoints = 2_000;
const maxEjections = 100;
const maxObjects = 500;
const maxRules = 500;
const maxEdges = 2_000;

const endpointSchema = object("One workload behind one of its ports.", {
  workload: text("namespace/name.", anyText),
  address: text("Where it is dialled.", anyText),
  port: integer("That the application listens on.", 0, 65_535),
  version: text("Empty: none.", anyText),
  locality: text("region/zone; empty: not known.", anyText),
  state: oneOf("Whether it takes requests.", ["ready", "draining", "dead"]),
  ejectedBy: list(
    "Proxies that leave it out at the moment.",
    object("One of them.", {
      proxy: text("namespace/name.", anyText),
      reason: text("Why.", anyText),
      untilMs: integer("Unix milliseconds; 0: until it is seen to be well.", 0, safe),
    }),
    { max: maxEjections },
  ),
  requestsPerSecond: figure("Over the window."),
  successRate: figure("From 0 to 1."),
  p50Ms: figure("Half were faster than this."),
  p99Ms: figure("99 in 100 were faster than this."),
});

const routeSchema = object("A route that leads to it, or by way of it.", {
  kind: text("HTTPRoute, GRPCRoute and so on.", anyText),
  namespace: text("Its namespace.", anyText),
  name: text("Its name.", anyText),
  rules: list(
    "Its rules with what they took in the window.",
    object("A rule.", { name: text("Name or place.", anyText), hits: integer("Requests.", 0, safe) }),
    { max: maxRules },
  ),
  hits: integer("Requests of all rules.", 0, safe),
});

const policySchema = object("A policy that is about it.", {
  kind: text("TrafficPolicy, AuthorizationPolicy and so on.", anyText),
  namespace: text("Its namespace.", anyText),
  name: text("Its name.", anyText),
  target: text('What it is aimed at, such as "Service web"; empty: workloads by their labels.', anyText),
  accepted: flag("It is in force."),
  message: text("Why not, or what is to be said.", anyText),
  hits: integer("Decisions in the window; 0 for kinds that decide nothing.", 0, safe),
});

export const serviceViewSchema = object("All about one service.", {
  service: serviceSummarySchema,
  endpoints: list("In the order of their names.", endpointSchema, { max: maxEndpoints }),
  routes: list("In the order of their names.", routeSchema, { max: maxObjects }),
  policies: list("In the order of their names.", policySchema, { max: maxObjects }),
  callers: list("By service, the busiest first.", topologyEdgeSchema, { max: maxEdges }),
  callees: list("By service, the busiest first.", topologyEdgeSchema, { max: maxEdges }),
});
export type ServiceViewDocument = ValueOf<typeof serviceViewSchema>;
export const serviceViewBounds = { maxEndpoints, maxEjections, maxObjects, maxRules, maxEdges };
