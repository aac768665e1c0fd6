/** The readable difference of two versions of one compiled resource. */
import { fromBinary } from "@bufbuild/protobuf";
import { type ModelKind, modelSchemas } from "../../model/index.ts";
import { type DiffBounds, type DiffLine, lineDiff } from "./line-diff.ts";
import { HiddenTexts, messageLines } from "./message-text.ts";

/** What of a compiled resource is looked at. */
interface Compiled {
  readonly bytes: Uint8Array;
}

/** Undefined: it is not there. Empty: the same. */
export function resourceDiff(
  kind: ModelKind,
  before: Compiled | undefined,
  after: Compiled | undefined,
  bounds?: DiffBounds,
): string[] {
  const hidden = new HiddenTexts();
  const lines = (resource: Compiled | undefined): string[] => {
    if (resource === undefined) return [];
    const schema = modelSchemas[kind];
    return messageLines(schema, fromBinary(schema, resource.bytes), hidden);
  };
  return lineDiff(lines(before), lines(after), bounds).map(lineText);
}

/** `+ weight: 10`, as in a patch. */
export function lineText({ type, text }: DiffLine): string {
  return `${type} ${text}`.trimEnd();
}
