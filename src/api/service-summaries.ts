/** What the list of services shows: each with its ports and workloads, and how it did in a window. */
import { anyText } from "./formats.ts";
import { integer, list, object, oneOf, optional, text, type ValueOf } from "./schema.ts";
import { figure, signalSource, sourceNote } from "./signals.ts";

const maxServices = 20_000;
const maxPorts = 100;
const maxVersions = 32;
export const maxHistoryPoints = 30;
const safe = Number.MAX_SAFE_INTEGER;

export const serviceSummarySchema = object("One service.", {
  namespace: text("Its namespace.", anyText),
  name: text("Its name.", anyText),
  kind: oneOf("Whether it is in the mesh.", ["Service", "ExternalService"]),
  ports: list(
    "What is dialled.",
    object("A port.", {
      port: integer("Number.", 0, 65_535),
      name: text("Name; empty: none.", anyText),
      protocol: text("As declared, such as http or TCP.", anyText),
    }),
    { max: maxPorts },
  ),
  workloads: integer("Behind it, whatever their state.", 0, safe),
  ready: integer("Of these, those that take requests.", 0, safe),
  versions: list("Of the workloads.", text("A version.", anyText), { max: maxVersions }),
  requestsPerSecond: figure("Requests and connections over the window."),
  successRate: figure("From 0 to 1; 1 where there was nothing."),
  p50Ms: figure("Half were faster than this."),
  p99Ms: figure("99 in 100 were faster than this."),
  mutualTlsShare: figure("Of the requests, from 0 to 1; 1 where there was nothing."),
  history: list("Requests per second in the newest slots, oldest first.", figure("Rate."), {
    max: maxHistoryPoints,
  }),
});
export type ServiceSummary = ValueOf<typeof serviceSummarySchema>;

export const serviceSummariesSchema = object("The services of the mesh.", {
  from: signalSource,
  note: optional(sourceNote),
  items: list("In the order of their names.", serviceSummarySchema, { max: maxServices }),
});
export type ServiceSummaries = ValueOf<typeof serviceSummariesSchema>;
