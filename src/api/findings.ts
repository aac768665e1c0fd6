/** What the control plane found to be wrong or worth a look, each with what would mend it: what `weft check` prints. */
import { anyText } from "./formats.ts";
import { list, object, oneOf, optional, text, type ValueOf } from "./schema.ts";

export const maxFindings = 1_000;

const findingSchema = object("One finding.", {
  code: text("What kind of finding, for programs.", anyText),
  level: oneOf("bad: something is wrong. note: worth a look. ok: it was looked at.", ["ok", "note", "bad"]),
  message: text("What was found.", anyText),
  fix: text("What to do; empty: nothing.", anyText),
  about: optional(
    object("What it is about.", {
      kind: text("Service, HTTPRoute, Proxy and so on.", anyText),
      namespace: text("Empty: none.", anyText),
      name: text("Its name.", anyText),
    }),
  ),
});
export type FindingDocument = ValueOf<typeof findingSchema>;

export const findingListSchema = object("Findings.", {
  items: list("Bad ones first.", findingSchema, { max: maxFindings }),
});
export type FindingList = ValueOf<typeof findingListSchema>;
