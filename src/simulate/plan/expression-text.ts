/** A lowered condition in one line, close to the CEL that it was written in. */
import { isMessage, type Message } from "@bufbuild/protobuf";
import {
  type Expression,
  type ExpressionAttribute,
  type ExpressionCall,
  ExpressionOperator,
  ExpressionSchema,
  type ExpressionValue,
} from "../../model/index.ts";

/** Deeper ones are cut: the compiler's own bound lies below. */
const maxDepth = 64;

const infixes: Partial<Record<ExpressionOperator, string>> = {
  [ExpressionOperator.AND]: "&&",
  [ExpressionOperator.OR]: "||",
  [ExpressionOperator.EQUAL]: "==",
  [ExpressionOperator.NOT_EQUAL]: "!=",
  [ExpressionOperator.LESS]: "<",
  [ExpressionOperator.LESS_OR_EQUAL]: "<=",
  [ExpressionOperator.GREATER]: ">",
  [ExpressionOperator.GREATER_OR_EQUAL]: ">=",
  [ExpressionOperator.IN]: "in",
};

/** Empty for what is no expression. */
export function expressionText(message: Message): string {
  return isMessage(message, ExpressionSchema) ? textOf(message, 0) : "";
}

function textOf({ kind }: Expression, depth: number): string {
  if (depth > maxDepth) return "…";
  switch (kind.case) {
    case "value":
      return valueText(kind.value);
    case "attribute":
      return attributeText(kind.value);
    case "call":
      return callText(kind.value, depth);
    case undefined:
      return "";
  }
}

function callText({ operator, arguments: parts }: ExpressionCall, depth: number): string {
  const texts = parts.map((part) => textOf(part, depth + 1));
  const infix = infixes[operator];
  if (infix !== undefined) return `(${texts.join(` ${infix} `)})`;
  if (operator === ExpressionOperator.NOT) return `!${texts.join("")}`;
  if (operator === ExpressionOperator.CONDITIONAL) {
    const [condition = "", then = "", otherwise = ""] = texts;
    return `(${condition} ? ${then} : ${otherwise})`;
  }
  return `${ExpressionOperator[operator].toLowerCase()}(${texts.join(", ")})`;
}

function attributeText({ name, keys }: ExpressionAttribute): string {
  return `${name}${keys.map((key) => `[${JSON.stringify(key)}]`).join("")}`;
}

function valueText({ kind }: ExpressionValue): string {
  switch (kind.case) {
    case "list":
      return `[${kind.value.items.map(valueText).join(", ")}]`;
    case "text":
      return JSON.stringify(kind.value);
    case "null":
    case undefined:
      return "null";
    default:
      return String(kind.value);
  }
}
