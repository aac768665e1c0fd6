/** The readable difference of two versions of an object as it is written, without what a store adds and without secrets. */
import { type ApiObject, objectText } from "../../api/index.ts";
import { lineDiff } from "./line-diff.ts";
import { HiddenTexts } from "./message-text.ts";
import { lineText } from "./resource-diff.ts";

/** Undefined: it is not there. */
export function objectDiff(before: ApiObject | undefined, after: ApiObject | undefined): string[] {
  const hidden = new HiddenTexts();
  const linesOf = (object: ApiObject | undefined): string[] =>
    object === undefined
      ? []
      : objectText(object, (value) => hidden.label(value))
          .trimEnd()
          .split("\n");
  return lineDiff(linesOf(before), linesOf(after)).map(lineText);
}
