/** For tests: what parsing says about an object. */
import { issueLine } from "../../kernel/index.ts";
import { type ApiObject, type KindName, type ObjectOfKind, parseObject } from "../kinds.ts";

/** `path: message` for each issue; empty where the object is valid. */
export function issuesOf(input: unknown, mode: "write" | "read" = "write"): string[] {
  const parsed = parseObject(input, mode);
  return "issues" in parsed ? parsed.issues.map(issueLine) : [];
}

export function parsed(input: unknown, mode: "write" | "read" = "write"): ApiObject {
  const result = parseObject(input, mode);
  if ("object" in result) return result.object;
  throw new Error(result.issues.map(issueLine).join("\n"));
}

export function parsedAs<K extends KindName>(kind: K, input: unknown): ObjectOfKind<K> {
  const object = parsed(input);
  if (!isOfKind(object, kind)) throw new Error(`expected ${kind}, got ${object.kind}`);
  return object;
}

function isOfKind<K extends KindName>(object: ApiObject, kind: K): object is ObjectOfKind<K> & ApiObject {
  return object.kind === kind;
}
