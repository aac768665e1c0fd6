/**
 * Conditions that the control plane lowered from CEL. As in CEL, `&&` and `||` are told by one side where it suffices, whatever
 * becomes of the other. What cannot be read as an expression is unknown for every request.
 */
import {
  attributes,
  type Expression,
  type ExpressionAttribute,
  type ExpressionCall,
  ExpressionOperator as Operator,
  type ExpressionValue,
} from "../../model/index.ts";
import { compilePattern } from "../pattern.ts";
import { addressBytes, parseBlock } from "./address-list.ts";
import {
  type AttributeSource,
  errorValue,
  isFailure,
  type Reader,
  requestAttributes,
  unknownValue,
  type Value,
} from "./attribute.ts";
import type { Condition, Needs } from "./condition.ts";
import { operations } from "./operators.ts";
import type { RequestFacts } from "./request-facts.ts";
import type { Truth } from "./truth.ts";

export function prepareExpression(expression: Expression, field: string, text: string): Condition {
  const read = prepareReader(expression, requestAttributes) ?? unreadable;
  return new ExpressionCondition({ field, needs: needsOf(expression), read, text });
}

const unreadable: Reader = () => unknownValue;

class ExpressionCondition implements Condition {
  readonly field: string;
  readonly needs: Needs;
  readonly pathHeads: undefined;
  readonly #read: Reader;
  readonly #text: string;

  constructor({ field, needs, read, text }: { field: string; needs: Needs; read: Reader; text: string }) {
    this.field = field;
    this.needs = needs;
    this.#read = read;
    this.#text = text;
  }

  holds(facts: RequestFacts): Truth {
    const value = this.#read(facts);
    if (value === true) return "yes";
    if (value === false) return "no";
    return value === unknownValue ? "unknown" : "error";
  }

  explain(facts: RequestFacts): string {
    switch (this.holds(facts)) {
      case "error":
        return `${this.#text}: asks for something that is absent or of another type`;
      case "unknown":
        return `${this.#text}: cannot be told of this request`;
      default:
        return `${this.#text}: is false`;
    }
  }
}

/** Undefined: no expression. */
export function prepareReader<F>({ kind }: Expression, source: AttributeSource<F>): Reader<F> | undefined {
  switch (kind.case) {
    case "value": {
      const value = literalOf(kind.value);
      return value === undefined ? undefined : () => value;
    }
    case "attribute":
      return source.prepare(kind.value.name, kind.value.keys);
    case "call":
      return prepareCall(kind.value, source);
    case undefined:
      return undefined;
  }
}

/** Undefined: no value. */
function literalOf({ kind }: ExpressionValue): Value {
  switch (kind.case) {
    case "text":
    case "number":
    case "boolean":
      return kind.value;
    case "integer":
      return Number(kind.value);
    case "null":
      return null;
    case "list": {
      const items = kind.value.items.map(literalOf);
      return items.includes(undefined) ? undefined : items;
    }
    case undefined:
      return undefined;
  }
}

function prepareCall<F>(
  { operator, arguments: written }: ExpressionCall,
  source: AttributeSource<F>,
): Reader<F> | undefined {
  const [first, second] = written;
  if (operator === Operator.HAS)
    return written.length === 1 && first !== undefined ? prepareHas(first, source) : undefined;
  if (operator === Operator.IN && second !== undefined && isMapItself(second, source))
    return prepareHasEntry(first, second.kind.value, source);
  const readers = written.map((argument) => prepareReader(argument, source));
  if (!areReadable(readers)) return undefined;
  switch (operator) {
    case Operator.AND:
      return readers.length === 0 ? undefined : (facts) => join(readers, facts, false);
    case Operator.OR:
      return readers.length === 0 ? undefined : (facts) => join(readers, facts, true);
    case Operator.CONDITIONAL:
      return prepareConditional(readers);
    case Operator.MATCHES:
      return prepareMatches(readers, second);
    case Operator.IN_CIDR:
      return prepareInCidr(readers, second);
    default:
      return prepareOperation(operator, readers);
  }
}

function areReadable<F>(readers: readonly (Reader<F> | undefined)[]): readers is readonly Reader<F>[] {
  return !readers.includes(undefined);
}

/** `&&` with `deciding` false, `||` with true: one such side decides, else what cannot be known comes before an error. */
function join<F>(readers: readonly Reader<F>[], facts: F, deciding: boolean): Value {
  let result: Value = !deciding;
  for (const read of readers) {
    const value = read(facts);
    if (value === deciding) return deciding;
    if (value === unknownValue) result = unknownValue;
    else if (value !== !deciding && result !== unknownValue) result = errorValue;
  }
  return result;
}

function prepareConditional<F>(readers: readonly Reader<F>[]): Reader<F> | undefined {
  const [condition, then, otherwise] = readers;
  if (condition === undefined || then === undefined || otherwise === undefined || readers.length > 3)
    return undefined;
  return (facts) => {
    const value = condition(facts);
    if (typeof value === "boolean") return value ? then(facts) : otherwise(facts);
    return value === unknownValue ? value : errorValue;
  };
}

function prepareOperation<F>(operator: Operator, readers: readonly Reader<F>[]): Reader<F> | undefined {
  const operation = operations[operator];
  const [first, second] = readers;
  if (operation === undefined || first === undefined || readers.length !== operation.arity) return undefined;
  const { apply } = operation;
  if (second === undefined) {
    return (facts) => {
      const value = first(facts);
      return isFailure(value) ? value : apply(value, undefined);
    };
  }
  return (facts) => {
    const left = first(facts);
    const right = second(facts);
    if (left === unknownValue || right === unknownValue) return unknownValue;
    return isFailure(left) || isFailure(right) ? errorValue : apply(left, right);
  };
}

function prepareHas<F>(argument: Expression, source: AttributeSource<F>): Reader<F> | undefined {
  if (argument.kind.case !== "attribute") return undefined;
  const { name, keys } = argument.kind.value;
  // The maps themselves are there with every request.
  const read = isMapItself(argument, source)
    ? source.prepare("request.method", [])
    : source.prepare(name, keys);
  if (read === undefined) return undefined;
  return (facts) => {
    const value = read(facts);
    return value === unknownValue ? value : value !== errorValue;
  };
}

function isMapItself<F>(
  argument: Expression,
  source: AttributeSource<F>,
): argument is Expression & { kind: { case: "attribute"; value: ExpressionAttribute } } {
  const { kind } = argument;
  return kind.case === "attribute" && kind.value.keys.length === 0 && source.isTextMap(kind.value.name);
}

/** `"x-user" in request.headers`. */
function prepareHasEntry<F>(
  element: Expression | undefined,
  map: ExpressionAttribute,
  source: AttributeSource<F>,
): Reader<F> | undefined {
  const read = element && prepareReader(element, source);
  if (read === undefined) return undefined;
  return (facts) => {
    const key = read(facts);
    if (isFailure(key)) return key;
    return typeof key === "string" ? source.hasEntry(map.name, key, facts) : errorValue;
  };
}

function prepareMatches<F>(
  readers: readonly Reader<F>[],
  pattern: Expression | undefined,
): Reader<F> | undefined {
  const text = pattern && literalText(pattern);
  if (text === undefined || readers.length !== 2) return undefined;
  try {
    const compiled = compilePattern(text);
    return ofText(readers[0], (value) => compiled.test(value));
  } catch {
    return undefined;
  }
}

function prepareInCidr<F>(
  readers: readonly Reader<F>[],
  block: Expression | undefined,
): Reader<F> | undefined {
  const text = block && literalText(block);
  const prefix = text === undefined ? undefined : parseBlock(text);
  if (prefix === undefined || readers.length !== 2) return undefined;
  return ofText(readers[0], (value) => {
    const address = addressBytes(value);
    return address === undefined ? errorValue : prefix.contains(address);
  });
}

function literalText({ kind }: Expression): string | undefined {
  return kind.case === "value" && kind.value.kind.case === "text" ? kind.value.kind.value : undefined;
}

function ofText<F>(read: Reader<F> | undefined, apply: (text: string) => Value): Reader<F> | undefined {
  if (read === undefined) return undefined;
  return (facts) => {
    const value = read(facts);
    if (isFailure(value)) return value;
    return typeof value === "string" ? apply(value) : errorValue;
  };
}

/** Read in each reading of the path, as what it is asks for. */
const ofPath: readonly string[] = ["request.path", "request.grpc_service", "request.grpc_method"];

function needsOf(expression: Expression): Needs {
  const names = namesIn(expression);
  const read = attributes.filter(({ name }) => names.has(name));
  return {
    http: read.some((attribute) => attribute.needsHttp),
    methodAlone: read.length > 0 && read.every(({ name }) => name === "request.method"),
    claims: read.some((attribute) => attribute.needsClaims),
    path: read.some(({ name }) => ofPath.includes(name)),
  };
}

function namesIn({ kind }: Expression): Set<string> {
  if (kind.case === "attribute") return new Set([kind.value.name]);
  if (kind.case !== "call") return new Set();
  return new Set(kind.value.arguments.flatMap((argument) => [...namesIn(argument)]));
}
