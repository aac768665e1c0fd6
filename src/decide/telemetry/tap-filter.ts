/**
 * Whether an exchange that has ended passes the filter of a tap. What is absent, or of another type than what is done with it, is an
 * error of that part, and an error is not true: as in CEL, `&&` and `||` are told by one side where that suffices.
 */
import { type Expression, type ExpressionCall, ExpressionOperator as Operator } from "../../model/index.ts";
import { addressBytes, parseBlock } from "../admission/address-list.ts";
import { errorValue, type Value } from "../admission/attribute.ts";
import { literalOf } from "../admission/expression.ts";
import { operations } from "../admission/operators.ts";
import { compilePattern } from "../pattern.ts";
import type { TelemetryFacts } from "./facts.ts";
import { prepareTapAttribute, type TapReader } from "./tap-attribute.ts";

/** What cannot be read as an expression lets nothing through. */
export function prepareTapFilter(expression: Expression): (facts: TelemetryFacts) => boolean {
  const read = readerOf(expression);
  return (facts) => read?.(facts) === true;
}

/** A pattern that is none was refused by the control plane; a newer one may know more than this proxy. */
function readerOf(expression: Expression): TapReader | undefined {
  try {
    return prepare(expression);
  } catch {
    return undefined;
  }
}

function prepare({ kind }: Expression): TapReader | undefined {
  switch (kind.case) {
    case "value": {
      const value = literalOf(kind.value);
      return value === undefined ? undefined : () => value;
    }
    case "attribute":
      return prepareTapAttribute(kind.value.name, kind.value.keys);
    case "call":
      return prepareCall(kind.value);
    case undefined:
      return undefined;
  }
}

function prepareCall({ operator, arguments: written }: ExpressionCall): TapReader | undefined {
  const [first, second] = written;
  if (operator === Operator.HAS) return prepareHas(first);
  if (operator === Operator.IN) {
    const entry = prepareEntryOf(first, second);
    if (entry !== undefined) return entry;
  }
  const readers = written.flatMap((each) => prepare(each) ?? []);
  if (readers.length === 0 || readers.length !== written.length) return undefined;
  const literal = literalText(second);
  switch (operator) {
    case Operator.AND:
      return (facts) => join(readers, facts, false);
    case Operator.OR:
      return (facts) => join(readers, facts, true);
    case Operator.CONDITIONAL:
      return (facts) => {
        const test = readers[0]?.(facts);
        return typeof test === "boolean" ? readers[test ? 1 : 2]?.(facts) : errorValue;
      };
    case Operator.MATCHES: {
      const pattern = literal === undefined ? undefined : compilePattern(literal);
      return pattern && ofText(readers[0], (text) => pattern.test(text));
    }
    case Operator.IN_CIDR: {
      const block = literal === undefined ? undefined : parseBlock(literal);
      return (
        block &&
        ofText(readers[0], (text) => {
          const address = addressBytes(text);
          return address === undefined ? errorValue : block.contains(address);
        })
      );
    }
    default:
      return prepareOperation(operator, readers);
  }
}

function prepareOperation(operator: Operator, readers: readonly TapReader[]): TapReader | undefined {
  const operation = operations[operator];
  const [first, second] = readers;
  if (operation === undefined || first === undefined || readers.length !== operation.arity) return undefined;
  return (facts) => {
    const left = first(facts);
    const right = second?.(facts);
    return left === errorValue || right === errorValue ? errorValue : operation.apply(left, right);
  };
}

/** One side that is `deciding` decides, else an error of any is one. */
function join(readers: readonly TapReader[], facts: TelemetryFacts, deciding: boolean): Value {
  let result: Value = !deciding;
  for (const read of readers) {
    const value = read(facts);
    if (value === deciding) return deciding;
    if (value !== !deciding) result = errorValue;
  }
  return result;
}

function prepareHas(argument: Expression | undefined): TapReader | undefined {
  const read = argument && prepare(argument);
  return read && ((facts) => read(facts) !== errorValue);
}

/** `"x-user" in request.headers`. */
function prepareEntryOf(element: Expression | undefined, map: Expression | undefined): TapReader | undefined {
  if (map?.kind.case !== "attribute" || map.kind.value.keys.length > 0) return undefined;
  const key = literalText(element);
  const read = key === undefined ? undefined : prepareTapAttribute(map.kind.value.name, [key]);
  return read && ((facts) => read(facts) !== errorValue);
}

function literalText(expression: Expression | undefined): string | undefined {
  const kind = expression?.kind;
  return kind?.case === "value" && kind.value.kind.case === "text" ? kind.value.kind.value : undefined;
}

function ofText(read: TapReader | undefined, apply: (text: string) => Value): TapReader {
  return (facts) => {
    const value = read?.(facts);
    return typeof value === "string" ? apply(value) : errorValue;
  };
}
