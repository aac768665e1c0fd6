/** What `weft top` and `weft graph` read: who calls whom in a window of time, and how that went. */
import Type from "typebox";
import { anyText } from "./formats.ts";
import { flag, integer, list, object, oneOf, optional, text, type ValueOf } from "./schema.ts";
import { figure as rate, signalSource, sourceNote } from "./signals.ts";

/** The answer is one document; the control plane folds what is beyond into "other". */
const maxNodes = 20_000;
const maxEdges = 100_000;
const maxReasons = 64;
const safe = Number.MAX_SAFE_INTEGER;

const nodeSchema = object("A workload or a service, or what is outside the mesh.", {
  id: text("namespace/name; unknown where there is none.", anyText),
  kind: oneOf("What it is.", ["workload", "service", "gateway", "external", "unknown"]),
  namespace: text("Its namespace.", anyText),
  name: text("Its name.", anyText),
  identity: text("Its SPIFFE id; empty where it proved none.", anyText),
  version: text("Its version label; empty where it has none.", anyText),
});

export const topologyEdgeSchema = object("What one node sent to another, by service, route and protocol.", {
  source: text("Id of a node.", anyText),
  destination: text("Id of a node.", anyText),
  service: text(
    "namespace/name of the service that was dialled; empty: the workload's own address.",
    anyText,
  ),
  port: integer("Port that was dialled.", 0, 65_535),
  route: text("namespace/name of the route; empty: none.", anyText),
  protocol: oneOf("http counts requests, tcp connections.", ["http", "tcp"]),
  isMutualTls: flag("Both sides proved their identity."),
  count: integer("Requests or connections in the window.", 0, safe),
  failures: integer(
    "Of these, 5xx answers, gRPC statuses of the server's fault, and whatever has a reason.",
    0,
    safe,
  ),
  requestsPerSecond: rate("count over the window."),
  successRate: rate("From 0 to 1."),
  p50Ms: rate("Half were faster than this."),
  p90Ms: rate("Nine in ten were faster than this."),
  p99Ms: rate("99 in 100 were faster than this."),
  requestBytes: integer("Bytes towards the destination.", 0, safe),
  responseBytes: integer("Bytes back.", 0, safe),
  classes: Type.Record(Type.String(), integer("Count.", 0, safe), {
    description: "Counts by response class: 2xx, 5xx; for tcp ok, error.",
  }),
  versions: Type.Record(Type.String(), integer("Count.", 0, safe), {
    description: "Counts by the destination's version.",
  }),
  reasons: list(
    "Why exchanges failed.",
    object("One reason.", { reason: text("Reason code.", anyText), count: integer("How often.", 0, safe) }),
    {
      max: maxReasons,
    },
  ),
});
export type TopologyEdge = ValueOf<typeof topologyEdgeSchema>;

export const topologySchema = object("Who called whom.", {
  windowSeconds: integer("Length of the window.", 1, 86_400),
  endTimeMs: integer("Its end, in Unix milliseconds.", 0, safe),
  from: optional(signalSource),
  note: optional(sourceNote),
  nodes: list("Whoever sent or received.", nodeSchema, { max: maxNodes }),
  edges: list("What they exchanged.", topologyEdgeSchema, { max: maxEdges }),
});
export type Topology = ValueOf<typeof topologySchema>;
