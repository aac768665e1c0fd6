/** From the syntax tree of CEL to an expression of the model, with a check of names and types on the way. */
import type { parse } from "@bufbuild/cel";
import { Prefix } from "../../kernel/index.ts";
import { type Attribute, attributes, ExpressionOperator } from "../../model/index.ts";
import { patternProblem } from "../pattern-check.ts";
import {
  call,
  displayName,
  equalities,
  type ExpressionContent,
  junctions,
  type Shape,
  shapes,
  type Typed,
  type ValueContent,
  type ValueType,
} from "./expression-shape.ts";

type Expr = ReturnType<typeof parse>["expr"];

export interface Condition {
  readonly expression: ExpressionContent;
  /** Some of what it reads only a request of HTTP has. */
  readonly needsHttp: boolean;
}

/** What the subset does not take: its message names it and says where. Caught where the condition is read. */
export class Refusal extends Error {}

/** A path into claims; more levels no token has. */
const maxKeys = 8;

/** What expressions of one kind may read. */
export interface AttributeTable {
  readonly byName: ReadonlyMap<string, Pick<Attribute, "name" | "type" | "needsHttp">>;
  /** Where it is listed. */
  readonly page: string;
  /** Why it must not be read here, although there is such a thing; undefined: it may. */
  readonly refusal?: (name: string, keys: readonly string[]) => string | undefined;
}

const conditionAttributes: AttributeTable = {
  byName: new Map(attributes.map((attribute) => [attribute.name, attribute])),
  page: "docs/reference/authorization.md",
};

const typeOf: Readonly<Record<Attribute["type"], ValueType>> = {
  text: "text",
  integer: "number",
  boolean: "boolean",
  "list of text": "list",
  "map of text": "map",
  any: "any",
};

export class Lowering {
  readonly #positions: Readonly<Record<string, number>>;
  readonly #table: AttributeTable;
  #needsHttp = false;

  /** `positions`: of each node in the text, by its id. */
  constructor(positions: Readonly<Record<string, number>>, table: AttributeTable = conditionAttributes) {
    this.#positions = positions;
    this.#table = table;
  }

  condition(root: Expr): Condition {
    const { content, type } = this.#lower(root);
    if (type !== "boolean" && type !== "any") this.#refuse(root, `is ${article(type)}, not true or false`);
    return { expression: content, needsHttp: this.#needsHttp };
  }

  /** What can stand in a label: a text, a number, true or false. */
  scalar(root: Expr): ExpressionContent {
    const { content, type } = this.#lower(root);
    if (type === "list" || type === "map" || type === "null") {
      this.#refuse(root, `is ${article(type)}, not a text, a number, true or false`);
    }
    return content;
  }

  #lower(expr: Expr | undefined): Typed {
    const kind = expr?.exprKind;
    switch (kind?.case) {
      case "constExpr":
      case "listExpr":
        return this.#constant(expr);
      case "identExpr":
      case "selectExpr":
        return kind.case === "selectExpr" && kind.value.testOnly
          ? this.#presence(expr, kind.value.operand, kind.value.field)
          : this.#read(expr);
      case "callExpr":
        return this.#call(expr, kind.value.function, [
          ...(kind.value.target === undefined ? [] : [kind.value.target]),
          ...kind.value.args,
        ]);
      case "structExpr":
        return this.#refuse(expr, "maps and messages cannot be written here");
      case "comprehensionExpr":
        return this.#refuse(expr, "all, exists, exists_one, map and filter are not supported");
      default:
        return this.#refuse(expr, "is no expression");
    }
  }

  #call(expr: Expr | undefined, name: string, args: readonly Expr[]): Typed {
    const junction = junctions.get(name);
    if (junction !== undefined) return this.#junction(name, junction, args);
    const equality = equalities.get(name);
    if (equality !== undefined) return this.#equality(expr, equality, args);
    switch (name) {
      case "_[_]":
        return this.#read(expr);
      case "@in":
        return this.#membership(args);
      case "has":
        return this.#has(expr, args);
      case "_?_:_":
        return this.#conditional(expr, args);
      default: {
        const shape = shapes.get(name);
        if (shape !== undefined) return this.#apply(expr, name, shape, args);
        return this.#refuse(expr, `${displayName(name)} is not supported`);
      }
    }
  }

  #apply(expr: Expr | undefined, name: string, shape: Shape, args: readonly Expr[]): Typed {
    const lowered = args.map((each) => this.#lower(each));
    if (lowered.length !== shape.takes.length) {
      return this.#refuse(expr, `${displayName(name)} takes ${shape.takes.length}, not ${lowered.length}`);
    }
    for (const [index, { type }] of lowered.entries()) {
      const wanted = shape.takes[index] ?? [];
      if (type !== "any" && !wanted.includes(type)) {
        this.#refuse(
          args[index],
          `${displayName(name)} takes ${wanted.map(article).join(" or ")}, not ${article(type)}`,
        );
      }
    }
    const [first, second] = lowered;
    if (shape.takes.length === 2 && shape.takes[0]?.length === 2) this.#requireSameType(expr, first, second);
    if (name === "matches") this.#checkPattern(args[1], textOf(second));
    if (name === "inCidr" && Prefix.parse(textOf(second) ?? "") === undefined) {
      this.#refuse(args[1], 'inCidr takes a prefix without host bits, written out, such as "10.0.0.0/8"');
    }
    return { content: call(shape.operator, ...lowered), type: shape.gives };
  }

  /** A chain becomes a tree that is as flat as it can be: proxies go down it for each request. */
  #junction(name: string, operator: ExpressionOperator, args: readonly Expr[]): Typed {
    const terms = args.flatMap((each) => chained(each, name));
    const lowered = terms.map((term) => {
      const typed = this.#lower(term);
      if (typed.type === "boolean" || typed.type === "any") return typed;
      return this.#refuse(term, `${displayName(name)} takes true or false, not ${article(typed.type)}`);
    });
    return { content: balanced(operator, lowered), type: "boolean" };
  }

  #equality(expr: Expr | undefined, operator: ExpressionOperator, args: readonly Expr[]): Typed {
    const [left, right] = args.map((each) => this.#lower(each));
    if (left === undefined || right === undefined) return this.#refuse(expr, "compares with nothing");
    this.#requireSameType(expr, left, right);
    return { content: call(operator, left, right), type: "boolean" };
  }

  #requireSameType(expr: Expr | undefined, left: Typed | undefined, right: Typed | undefined): void {
    if (left === undefined || right === undefined) return;
    for (const { type } of [left, right]) {
      if (type === "map") this.#refuse(expr, "a map is compared by its entries");
    }
    if (left.type === right.type || left.type === "any" || right.type === "any") return;
    this.#refuse(expr, `${article(left.type)} is never ${article(right.type)}`);
  }

  #membership(args: readonly Expr[]): Typed {
    const [left, right] = args;
    const element = inHeaders(this.#lower(left), this.#path(right) ?? []);
    const container = this.#isRead(right) ? this.#attribute(right, true) : this.#lower(right);
    if (container.type !== "list" && container.type !== "map" && container.type !== "any") {
      return this.#refuse(right, `in takes a list or a map, not ${article(container.type)}`);
    }
    if (container.type === "map" && element.type !== "text" && element.type !== "any") {
      return this.#refuse(left, `keys are texts, not ${article(element.type)}`);
    }
    return { content: call(ExpressionOperator.IN, element, container), type: "boolean" };
  }

  #conditional(expr: Expr | undefined, args: readonly Expr[]): Typed {
    const [test, yes, no] = args.map((each) => this.#lower(each));
    if (test === undefined || yes === undefined || no === undefined) {
      return this.#refuse(expr, "?: takes three");
    }
    if (test.type !== "boolean" && test.type !== "any") {
      return this.#refuse(args[0], `?: takes true or false, not ${article(test.type)}`);
    }
    this.#requireSameType(expr, yes, no);
    const type = yes.type === "any" ? no.type : yes.type;
    return { content: call(ExpressionOperator.CONDITIONAL, test, yes, no), type };
  }

  /** `has(a.b)` as the parser gives it. */
  #presence(expr: Expr | undefined, operand: Expr | undefined, field: string): Typed {
    const path = [...(this.#path(operand) ?? this.#refuse(expr, "has takes an attribute")), field];
    return this.#hasPath(expr, path);
  }

  /** Beyond CEL, whose `has` takes no index: names of headers have hyphens. */
  #has(expr: Expr | undefined, args: readonly Expr[]): Typed {
    const path = args.length === 1 ? this.#path(args[0]) : undefined;
    return this.#hasPath(expr, path ?? this.#refuse(expr, "has takes an attribute"));
  }

  #hasPath(expr: Expr | undefined, path: readonly string[]): Typed {
    return { content: call(ExpressionOperator.HAS, this.#named(expr, path, false)), type: "boolean" };
  }

  #read(expr: Expr | undefined): Typed {
    return this.#attribute(expr, false);
  }

  #attribute(expr: Expr | undefined, isContainer: boolean): Typed {
    return this.#named(expr, this.#path(expr) ?? this.#refuse(expr, "is no attribute"), isContainer);
  }

  /** `isContainer`: the whole of a map is meant. */
  #named(expr: Expr | undefined, path: readonly string[], isContainer: boolean): Typed {
    const { byName, page, refusal } = this.#table;
    const attribute = byName.get(path.slice(0, 2).join("."));
    if (attribute === undefined) {
      return this.#refuse(expr, `${path.slice(0, 2).join(".")} is no attribute; see ${page}`);
    }
    const keys = path.slice(2);
    const { name, type } = attribute;
    const why = refusal?.(name, keys);
    if (why !== undefined) return this.#refuse(expr, why);
    if (attribute.needsHttp) this.#needsHttp = true;
    const whole = typeOf[type];
    if (type === "map of text" && keys.length !== (isContainer ? 0 : 1)) {
      return this.#refuse(expr, `${name} is a map; read one entry, as ${name}["x"]`);
    }
    if (type === "any" && (keys.length > maxKeys || (keys.length === 0 && !isContainer))) {
      return this.#refuse(expr, `${name} is read with one to ${maxKeys} keys, as ${name}["x"]`);
    }
    if (type !== "any" && type !== "map of text" && keys.length > 0) {
      return this.#refuse(expr, `${name} has no entries`);
    }
    const written = isHeaders(name) ? keys.map((key) => key.toLowerCase()) : keys;
    return {
      content: { kind: { case: "attribute", value: { name, keys: written } } },
      type: type === "map of text" && !isContainer ? "text" : whole,
    };
  }

  #isRead(expr: Expr | undefined): boolean {
    return this.#path(expr) !== undefined;
  }

  /** Names and literal keys from the outside in; undefined: it is something else. */
  #path(expr: Expr | undefined): string[] | undefined {
    const kind = expr?.exprKind;
    if (kind?.case === "identExpr") return [kind.value.name];
    if (kind?.case === "selectExpr" && !kind.value.testOnly) {
      const path = this.#path(kind.value.operand);
      return path && [...path, kind.value.field];
    }
    if (kind?.case !== "callExpr" || kind.value.function !== "_[_]") return undefined;
    const [operand, index] = kind.value.args;
    const path = this.#path(operand);
    const constant = index?.exprKind.case === "constExpr" ? index.exprKind.value.constantKind : undefined;
    if (path === undefined) return undefined;
    if (constant?.case !== "stringValue") return this.#refuse(index, "a key is a text in quotes");
    return [...path, constant.value];
  }

  #constant(expr: Expr | undefined): Typed {
    const value = this.#value(expr);
    return { content: { kind: { case: "value", value } }, type: typeOfValue(value), value };
  }

  #value(expr: Expr | undefined): ValueContent {
    const kind = expr?.exprKind;
    if (kind?.case === "listExpr") {
      const items = kind.value.elements.map((element) =>
        element.exprKind.case === "constExpr"
          ? this.#value(element)
          : this.#refuse(element, "lists hold constants only"),
      );
      return { kind: { case: "list", value: { items } } };
    }
    const constant = kind?.case === "constExpr" ? kind.value.constantKind : undefined;
    switch (constant?.case) {
      case "stringValue":
        return { kind: { case: "text", value: constant.value } };
      case "int64Value":
        return { kind: { case: "integer", value: constant.value } };
      case "uint64Value":
        return this.#refuse(expr, "unsigned numbers are not supported; leave the u out");
      case "doubleValue":
        return { kind: { case: "number", value: constant.value } };
      case "boolValue":
        return { kind: { case: "boolean", value: constant.value } };
      case "nullValue":
        return { kind: { case: "null", value: true } };
      default:
        return this.#refuse(expr, "a constant of this kind is not supported");
    }
  }

  #checkPattern(expr: Expr | undefined, pattern: string | undefined): void {
    if (pattern === undefined) this.#refuse(expr, "matches takes a pattern that is written out");
    else {
      const problem = patternProblem(pattern);
      if (problem !== undefined) this.#refuse(expr, `is no pattern of RE2: ${problem}`);
    }
  }

  #refuse(expr: Expr | undefined, message: string): never {
    const offset = expr === undefined ? undefined : this.#positions[String(expr.id)];
    throw new Refusal(offset === undefined ? message : `at character ${offset + 1}: ${message}`);
  }
}

function isHeaders(name: string): boolean {
  return name === "request.headers" || name === "response.headers";
}

/** Names of headers are kept in lower case. */
function inHeaders(element: Typed, container: readonly string[]): Typed {
  const kind = element.value?.kind;
  if (!isHeaders(container.join(".")) || kind?.case !== "text") return element;
  const value: ValueContent = { kind: { case: "text", value: kind.value.toLowerCase() } };
  return { ...element, content: { kind: { case: "value", value } }, value };
}

function textOf(typed: Typed | undefined): string | undefined {
  const kind = typed?.value?.kind;
  return kind?.case === "text" ? kind.value : undefined;
}

function typeOfValue({ kind }: ValueContent): ValueType {
  switch (kind?.case) {
    case "text":
    case "boolean":
    case "list":
    case "null":
      return kind.case;
    default:
      return "number";
  }
}

function article(type: ValueType): string {
  return type === "null" || type === "any" ? type : `a ${type}`;
}

/** The terms of a chain of one operator, however it is bracketed. */
function chained(expr: Expr, name: string): Expr[] {
  const kind = expr.exprKind;
  return kind.case === "callExpr" && kind.value.function === name
    ? kind.value.args.flatMap((each) => chained(each, name))
    : [expr];
}

function balanced(operator: ExpressionOperator, terms: readonly Typed[]): ExpressionContent {
  const [only] = terms;
  if (terms.length === 1 && only !== undefined) return only.content;
  const half = Math.ceil(terms.length / 2);
  const sides = [terms.slice(0, half), terms.slice(half)].map((side) => balanced(operator, side));
  return { kind: { case: "call", value: { operator, arguments: sides } } };
}
