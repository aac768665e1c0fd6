/** What `weft top` and `weft graph` read: who calls whom in a window of time, and how that went. */
import Type from "typebox";
import { anyText } from "./formats.ts";
import { flag, integer, list, object, oneOf, text, type ValueOf } from "./schema.ts";

/** The answer is one document; the control plane folds what is beyond into "other". */
const maxNodes = 20_000;
const maxEdges = 100_000;
const maxReasons = 64;
const safe = Number.MAX_SAFE_INTEGER;

function rate(description: string) {
  return Type.Number({ description, minimum: 0 });
}

const nodeSchema = object("A workload, or what is outside the mesh.", {
  id: text("namespace/name of the workload; unknown where there is none.", anyText),
  kind: oneOf("What it is.", ["workload", "gateway", "external", "unknown"]),
  namespace: text("Its namespace.", anyText),
  name: text("Its name.", anyText),
  identity: text("Its SPIFFE id; empty where it proved none.", anyText),
  version: text("Its version label; empty where it has none.", anyText),
});

const edgeSchema = object("What one workload sent to another, by service, route and protocol.", {
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
  failures: integer("Of these, 5xx answers and those that never got one.", 0, safe),
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
  reasons: list(
    "Why exchanges failed.",
    object("One reason.", { reason: text("Reason code.", anyText), count: integer("How often.", 0, safe) }),
    {
      max: maxReasons,
    },
  ),
});
export type TopologyEdge = ValueOf<typeof edgeSchema>;

export const topologySchema = object("Who called whom.", {
  windowSeconds: integer("Length of the window.", 1, 86_400),
  endTimeMs: integer("Its end, in Unix milliseconds.", 0, safe),
  nodes: list("Whoever sent or received.", nodeSchema, { max: maxNodes }),
  edges: list("What they exchanged.", edgeSchema, { max: maxEdges }),
});
export type Topology = ValueOf<typeof topologySchema>;
