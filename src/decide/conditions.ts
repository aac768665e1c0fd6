/** The conditions of a match besides the path: method, being a gRPC call, headers, query parameters. All must hold. */
import type { HttpMatch, ValueMatch } from "../model/index.ts";
import { compilePattern, type Pattern } from "./pattern.ts";
import { firstQueryValue } from "./query.ts";
import type { HttpRequestView } from "./request-view.ts";

interface ValueCondition {
  readonly name: string;
  readonly exact: string;
  /** Set: the pattern decides, not `exact`. */
  readonly pattern: Pattern | undefined;
}

export interface Conditions {
  /** Empty: any. */
  readonly method: string;
  readonly isGrpcOnly: boolean;
  readonly headers: readonly ValueCondition[];
  readonly query: readonly ValueCondition[];
}

export function prepareConditions(match: HttpMatch | undefined): Conditions | undefined {
  if (match === undefined) return undefined;
  const { method, grpc: isGrpcOnly, headers, query } = match;
  if (method === "" && !isGrpcOnly && headers.length === 0 && query.length === 0) return undefined;
  return {
    method,
    isGrpcOnly,
    headers: headers.map((header) => prepareValue(header, header.name.toLowerCase())),
    query: query.map((parameter) => prepareValue(parameter, parameter.name)),
  };
}

export function holds(conditions: Conditions | undefined, view: HttpRequestView): boolean {
  if (conditions === undefined) return true;
  if (conditions.method !== "" && conditions.method !== view.method) return false;
  if (conditions.isGrpcOnly && !isGrpcCall(view)) return false;
  for (const condition of conditions.headers) {
    if (!isValue(condition, view.header(condition.name))) return false;
  }
  for (const condition of conditions.query) {
    if (!isValue(condition, firstQueryValue(view.query, condition.name))) return false;
  }
  return true;
}

const grpcType = "application/grpc";

/** Not gRPC-Web, whose type goes on with a hyphen. */
function isGrpcCall(view: HttpRequestView): boolean {
  if (view.method !== "POST") return false;
  const type = view.header("content-type");
  if (type === undefined || type.slice(0, grpcType.length).toLowerCase() !== grpcType) return false;
  const next = type.charAt(grpcType.length);
  return next === "" || next === "+" || next === ";" || next === " " || next === "\t";
}

function isValue(condition: ValueCondition, value: string | undefined): boolean {
  if (value === undefined) return false;
  return condition.pattern === undefined ? value === condition.exact : condition.pattern.matches(value);
}

function prepareValue(match: ValueMatch, name: string): ValueCondition {
  return match.value.case === "regex"
    ? { name, exact: "", pattern: compilePattern(match.value.value) }
    : { name, exact: match.value.value ?? "", pattern: undefined };
}
