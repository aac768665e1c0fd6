/** What the operators of conditions make of values. Values of another type than an operator takes are an error. */
import { ExpressionOperator as Operator } from "../../model/index.ts";
import { errorValue, isMap, type Value } from "./attribute.ts";

/** No argument is a failure. */
type Operation = (first: Value, second: Value) => Value;

/** Those that take values; the others look at how an argument is written, or stop at failures in their own way. */
export const operations: Readonly<
  Partial<Record<Operator, { readonly arity: 1 | 2; readonly apply: Operation }>>
> = {
  [Operator.NOT]: { arity: 1, apply: (value) => (typeof value === "boolean" ? !value : errorValue) },
  [Operator.EQUAL]: { arity: 2, apply: equal },
  [Operator.NOT_EQUAL]: { arity: 2, apply: notEqual },
  [Operator.LESS]: { arity: 2, apply: ordered((order) => order < 0) },
  [Operator.LESS_OR_EQUAL]: { arity: 2, apply: ordered((order) => order <= 0) },
  [Operator.GREATER]: { arity: 2, apply: ordered((order) => order > 0) },
  [Operator.GREATER_OR_EQUAL]: { arity: 2, apply: ordered((order) => order >= 0) },
  [Operator.IN]: { arity: 2, apply: isIn },
  [Operator.STARTS_WITH]: { arity: 2, apply: ofTexts((text, part) => text.startsWith(part)) },
  [Operator.ENDS_WITH]: { arity: 2, apply: ofTexts((text, part) => text.endsWith(part)) },
  [Operator.CONTAINS]: { arity: 2, apply: ofTexts((text, part) => text.includes(part)) },
  [Operator.SIZE]: { arity: 1, apply: sizeOf },
  [Operator.LOWER]: {
    arity: 1,
    apply: (value) =>
      typeof value === "string" ? value.replace(/[A-Z]+/g, (part) => part.toLowerCase()) : errorValue,
  },
};

/** Null is comparable with everything, otherwise types must be the same. */
function equal(first: Value, second: Value): Value {
  if (first === null || second === null) return first === second;
  if (Array.isArray(first) && Array.isArray(second)) return isSame(first, second);
  return isScalar(first) && typeof first === typeof second ? first === second : errorValue;
}

function notEqual(first: Value, second: Value): Value {
  const isEqual = equal(first, second);
  return typeof isEqual === "boolean" ? !isEqual : isEqual;
}

function isScalar(value: Value): boolean {
  return typeof value === "string" || typeof value === "number" || typeof value === "boolean";
}

/** Within lists and against their items: another type is another value. */
function isSame(first: Value, second: Value): boolean {
  if (Array.isArray(first) && Array.isArray(second))
    return first.length === second.length && first.every((item, index) => isSame(item, second[index]));
  return first === second;
}

function ordered(holds: (order: number) => boolean): Operation {
  return (first, second) => {
    const areNumbers = typeof first === "number" && typeof second === "number";
    if (areNumbers) return holds(first - second);
    if (typeof first !== "string" || typeof second !== "string") return errorValue;
    return holds(first < second ? -1 : first === second ? 0 : 1);
  };
}

/** Of a list an item, of a map a key. */
function isIn(element: Value, container: Value): Value {
  if (Array.isArray(container)) return container.some((item) => isSame(element, item));
  if (!isMap(container) || typeof element !== "string") return errorValue;
  return Object.hasOwn(container, element);
}

function ofTexts(holds: (text: string, part: string) => boolean): Operation {
  return (text, part) =>
    typeof text === "string" && typeof part === "string" ? holds(text, part) : errorValue;
}

/** Code points of a text, items of a list, entries of a map. */
function sizeOf(value: Value): Value {
  if (typeof value === "string") return Array.from(value).length;
  if (Array.isArray(value)) return value.length;
  return isMap(value) ? Object.keys(value).length : errorValue;
}
