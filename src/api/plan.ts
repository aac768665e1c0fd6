/** What a change would do before it is made: asked with objects and deletions as a transaction has them, answered with a report. */
import Type from "typebox";
import { anyText, kindNameFormat, message, objectName } from "./formats.ts";
import { outcomeSchema } from "./explanation.ts";
import { integer, list, object, oneOf, optional, text, type ValueOf } from "./schema.ts";
import { simulatedRequestSchema } from "./simulated-request.ts";
import { deletionSchema, maxTransactionObjects } from "./transaction.ts";

const safe = Number.MAX_SAFE_INTEGER;
/** Recorded requests that one plan asks about. */
export const maxPlannedRequests = 2_000;
/** Changed resources that are told with their difference; of more their number. */
export const maxToldChanges = 500;
/** Proxies that are told by name; of more their number. */
export const maxToldProxies = 10_000;
const maxDiffLines = 400;
const maxWarnings = 1_000;

const word = (description: string) => text(description, anyText);
const long = (description: string) => text(description, message);
const count = (description: string) => integer(description, 0, safe);

export const planRequestSchema = object("A change to look at. Nothing is written.", {
  objects: list("Objects in full.", Type.Unknown({ description: "An object." }), {
    max: maxTransactionObjects,
    default: [],
  }),
  deletions: list("Objects to delete.", deletionSchema, { max: maxTransactionObjects, default: [] }),
  traffic: optional(
    list(
      "Requests to ask about before and after. Absent: those that the control plane knows of.",
      simulatedRequestSchema,
      {
        max: maxPlannedRequests,
      },
    ),
  ),
});
export type PlanRequest = ValueOf<typeof planRequestSchema>;

const diffSchema = list("Lines, as in a patch.", long("A line."), { max: maxDiffLines });

const objectSchema = object("One object of the change.", {
  kind: text("Its kind.", kindNameFormat),
  namespace: text("Its namespace; empty where it has none.", anyText),
  name: text("Its name.", objectName),
  outcome: oneOf("What becomes of it.", ["created", "configured", "unchanged", "deleted"]),
  diff: diffSchema,
});

const changeSchema = object("One compiled resource that becomes another one.", {
  what: word('Kind and key: "Outbound default/reviews:9080@default".'),
  outcome: oneOf("What becomes of it, for those who have it.", ["added", "changed", "removed"]),
  diff: diffSchema,
  proxies: count("How many proxies it is another one for."),
});

const proxySchema = object("One proxy whose configuration changes.", {
  name: word("namespace/name of its workload or Gateway."),
  role: oneOf("What it is.", ["sidecar", "gateway"]),
  changes: list("Of `changes`, their `what`.", word("What."), { max: 10_000 }),
});

const resultSchema = object("What came of a request.", {
  outcome: outcomeSchema,
  route: long("The rules that it took, in order; empty: none."),
  backends: list("Clusters that it was sent to.", word("namespace/service:port."), { max: 100 }),
});
export type RequestResult = ValueOf<typeof resultSchema>;

const flipSchema = object("A request that something else becomes of.", {
  request: simulatedRequestSchema,
  count: count("How many requests like it were recorded."),
  before: resultSchema,
  after: resultSchema,
});
export type Flip = ValueOf<typeof flipSchema>;

const warningCodes = [
  "shadowed_rule",
  "locks_out",
  "no_endpoints",
  "zero_weights",
  "attaches_to_nothing",
  "selects_nothing",
  "no_listener",
  "unresolved",
  "not_accepted",
  "quarantine",
] as const;

const warningSchema = object("Something that the author can hardly mean.", {
  code: oneOf("What it is; docs/reference/plan.md.", [...warningCodes]),
  message: long("For people."),
  object: optional(
    object("Whose it is.", {
      kind: text("Kind.", kindNameFormat),
      namespace: text("Namespace; empty: none.", anyText),
      name: text("Name.", objectName),
    }),
  ),
});
export type PlanWarning = ValueOf<typeof warningSchema>;

/** What of proxies' configuration becomes another one, and whose. */
const effectiveFields = {
  changes: list("Compiled resources that become others.", changeSchema, { max: maxToldChanges }),
  changesOmitted: count("How many more there are."),
  workloads: list("Proxies that are sent something.", proxySchema, { max: maxToldProxies }),
  workloadsOmitted: count("How many more there are."),
  touched: count("How many proxies are sent something."),
  unaffected: count("How many are not."),
};
const effectiveChangesSchema = object("What proxies have besides or instead.", effectiveFields);
export type EffectiveChanges = ValueOf<typeof effectiveChangesSchema>;

export const planReportSchema = object("What a change would do.", {
  revision: count("Of the configuration that it was compared with; 0: files."),
  objects: list("Of the change.", objectSchema, { max: 4 * maxTransactionObjects }),
  ...effectiveFields,
  requests: count("How many requests were asked about."),
  flips: list("Requests that something else becomes of.", flipSchema, { max: maxPlannedRequests }),
  warnings: list("What the author can hardly mean.", warningSchema, { max: maxWarnings }),
  warningsOmitted: count("How many more there are."),
});
export type PlanReport = ValueOf<typeof planReportSchema>;

export const effectiveDiffSchema = object("How proxies' configuration differs between two revisions.", {
  from: count("The one."),
  to: count("The other."),
  ...effectiveFields,
});
export type EffectiveDiff = ValueOf<typeof effectiveDiffSchema>;
