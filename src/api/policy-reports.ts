/** What `weft describe request` and `weft check` read of policies: who was not let in and why, and who still comes in plaintext. */
import { anyText } from "./formats.ts";
import { integer, list, object, oneOf, text, type ValueOf } from "./schema.ts";

const safe = Number.MAX_SAFE_INTEGER;
/** As many as the control plane keeps; see `observe/`. */
const maxRefusals = 2_048;
const maxCallers = 5_000;

const refusalSchema = object("A request or connection that a policy did not let on.", {
  requestId: text("What its caller was told.", anyText),
  timeMs: integer("When, in Unix milliseconds.", 0, safe),
  proxy: text("namespace/name of the workload or gateway whose proxy refused it.", anyText),
  reason: text("Reason code.", anyText),
  policy: text('"AuthorizationPolicy namespace/name"; empty: the lack of one.', anyText),
  rule: text("Name or place of its rule; empty: none.", anyText),
  detail: text("Why.", anyText),
  fix: text("What would let it in.", anyText),
  sourceIdentity: text("Verified identity of the caller; empty: none.", anyText),
  sourceAddress: text("Of the connection's peer.", anyText),
  remoteAddress: text("The client as trusted proxies tell it.", anyText),
  service: text("namespace/name of the service that was dialled; empty: none.", anyText),
  destination: text("namespace/name of the workload or gateway.", anyText),
  port: integer("That the application or listener listens on.", 0, 65_535),
  protocol: oneOf("What was refused.", ["http", "tcp"]),
  method: text("Of HTTP.", anyText),
  authority: text("Of HTTP.", anyText),
  path: text("Of HTTP, without the query.", anyText),
});
export type RefusalView = ValueOf<typeof refusalSchema>;

export const refusalListSchema = object("The newest refusals, newest first.", {
  items: list("Refusals.", refusalSchema, { max: maxRefusals }),
});
export type RefusalList = ValueOf<typeof refusalListSchema>;

const plaintextCallerSchema = object("Who came in plaintext to a port that allows it.", {
  workload: text("namespace/name of the workload that was called.", anyText),
  port: integer("Of its application.", 0, 65_535),
  address: text("Of the caller; empty: callers that were too many to tell apart.", anyText),
  source: text("namespace/name of the workload at that address; empty: none of the mesh.", anyText),
  connections: integer("Since the control plane's start.", 0, safe),
  lastMs: integer("The newest report of one, in Unix milliseconds.", 0, safe),
});

export const plaintextCallerListSchema = object("Whom strict mTLS would cut off.", {
  items: list("Callers.", plaintextCallerSchema, { max: maxCallers }),
});
export type PlaintextCallerList = ValueOf<typeof plaintextCallerListSchema>;
