/** What a tap is narrowed to, written in CEL, as an expression that proxies run. */
import { create } from "@bufbuild/protobuf";
import { type Expression, ExpressionSchema } from "../model/index.ts";
import { readCondition } from "./security/condition.ts";
import { filterAttributes } from "./telemetry/attributes.ts";

/** Longer than a person writes, and it is sent to every proxy. */
const maxLength = 4_096;

export function readTapFilter(text: string): { readonly filter: Expression } | { readonly problem: string } {
  if (text.length > maxLength) return { problem: `is longer than ${maxLength} characters` };
  const read = readCondition(text, filterAttributes);
  return "problem" in read ? read : { filter: create(ExpressionSchema, read.expression) };
}
