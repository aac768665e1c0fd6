/** What charts are drawn from: golden signals of one service or workload, or of the whole mesh, over time, in groups. */
import Type from "typebox";
import { anyText } from "./formats.ts";
import { integer, list, object, oneOf, optional, text, type ValueOf } from "./schema.ts";

const safe = Number.MAX_SAFE_INTEGER;
export const maxSignalGroups = 50;
export const maxSignalPoints = 1_000;

export const signalSource = oneOf("Where the figures come from.", ["window", "prometheus"]);
export const sourceNote = text("Why they do not come from where they should; absent: they do.", anyText);

/** Milliseconds, or any other figure that is not negative. */
export function figure(description: string) {
  return Type.Number({ description, minimum: 0 });
}

const signalFields = {
  count: integer("Requests, or connections.", 0, safe),
  failures: integer("Of these, those that failed.", 0, safe),
  p50Ms: figure("Half were faster than this."),
  p90Ms: figure("Nine in ten were faster than this."),
  p99Ms: figure("99 in 100 were faster than this."),
  requestBytes: integer("Bytes towards the destination.", 0, safe),
  responseBytes: integer("Bytes back.", 0, safe),
};

export const signalsSchema = object("Golden signals over time.", {
  fromMs: integer("Begin of the first point, in Unix milliseconds.", 0, safe),
  toMs: integer("End of the last.", 0, safe),
  stepMs: integer("Length of a point.", 1, safe),
  from: signalSource,
  note: optional(sourceNote),
  groups: list(
    "The busiest first.",
    object("One group.", {
      key: text(
        'What is common to it; "all" where no grouping was asked for, "other" for those that are too many.',
        anyText,
      ),
      points: list(
        "In the order of time. Of a point without traffic all figures are 0.",
        object("One point.", { timeMs: integer("Its begin.", 0, safe), ...signalFields }),
        { max: maxSignalPoints + 1 },
      ),
      totals: object("Over all points.", signalFields),
    }),
    { max: maxSignalGroups },
  ),
});
export type SignalsDocument = ValueOf<typeof signalsSchema>;
