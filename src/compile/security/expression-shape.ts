/** What an operator or function takes and gives, and how a message calls it. */
import type { MessageInitShape } from "@bufbuild/protobuf";
import { ExpressionOperator, type ExpressionSchema, type ExpressionValueSchema } from "../../model/index.ts";

export type ExpressionContent = MessageInitShape<typeof ExpressionSchema>;
export type ValueContent = MessageInitShape<typeof ExpressionValueSchema>;

/** What can be told without a request. "any" may be each of them. */
export type ValueType = "text" | "number" | "boolean" | "null" | "list" | "map" | "any";

export interface Typed {
  readonly content: ExpressionContent;
  readonly type: ValueType;
  /** Of a constant. */
  readonly value?: ValueContent;
}

export interface Shape {
  readonly operator: ExpressionOperator;
  readonly takes: readonly (readonly ValueType[])[];
  readonly gives: ValueType;
}

const truth: readonly ValueType[] = ["boolean"];
const texts: readonly ValueType[] = ["text"];

function ofTexts(operator: ExpressionOperator): Shape {
  return { operator, takes: [texts, texts], gives: "boolean" };
}

function comparing(operator: ExpressionOperator): Shape {
  const ordered: readonly ValueType[] = ["text", "number"];
  return { operator, takes: [ordered, ordered], gives: "boolean" };
}

/** By the parser's names. */
export const shapes = byName<Shape>({
  "!_": { operator: ExpressionOperator.NOT, takes: [truth], gives: "boolean" },
  "_<_": comparing(ExpressionOperator.LESS),
  "_<=_": comparing(ExpressionOperator.LESS_OR_EQUAL),
  "_>_": comparing(ExpressionOperator.GREATER),
  "_>=_": comparing(ExpressionOperator.GREATER_OR_EQUAL),
  startsWith: ofTexts(ExpressionOperator.STARTS_WITH),
  endsWith: ofTexts(ExpressionOperator.ENDS_WITH),
  contains: ofTexts(ExpressionOperator.CONTAINS),
  matches: ofTexts(ExpressionOperator.MATCHES),
  inCidr: ofTexts(ExpressionOperator.IN_CIDR),
  size: { operator: ExpressionOperator.SIZE, takes: [["text", "list"]], gives: "number" },
  lowerAscii: { operator: ExpressionOperator.LOWER, takes: [texts], gives: "text" },
});

/** Both sides have one type where it is known: what can never be equal is a slip. */
export const equalities = byName<ExpressionOperator>({
  "_==_": ExpressionOperator.EQUAL,
  "_!=_": ExpressionOperator.NOT_EQUAL,
});

export const junctions = byName<ExpressionOperator>({
  "_&&_": ExpressionOperator.AND,
  "_||_": ExpressionOperator.OR,
});

/** Names come from an operator's text: "toString" must be none. */
function byName<T>(table: Readonly<Record<string, T>>): ReadonlyMap<string, T> {
  return new Map(Object.entries(table));
}

export function displayName(name: string): string {
  return name === "_?_:_" ? "?:" : name.replaceAll("_", "").replace(/^@/, "");
}

export function call(operator: ExpressionOperator, ...args: readonly Typed[]): ExpressionContent {
  return { kind: { case: "call", value: { operator, arguments: args.map(({ content }) => content) } } };
}
