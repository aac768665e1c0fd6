/** What the API server of Kubernetes does with an object of a CRD when it is created: defaults, schema, kinds of lists, CEL rules. */
import { isIP } from "node:net";
import { holds } from "./cel-rules.ts";
import { type CrdRule, type CrdSchema, isRecord } from "./crds.ts";

/** Rules between an object and what it was before have nothing to say of a new one. */
const transition = /\boldSelf\b/;

export interface RuleListener {
  onRule(rule: CrdRule, holds: boolean): void;
}

export function withDefaults(schema: CrdSchema, value: unknown): unknown {
  if (Array.isArray(value)) {
    const { items } = schema;
    return items === undefined ? value : value.map((item) => withDefaults(items, item));
  }
  if (!isRecord(value)) return value;
  // What is null and may not be counts as absent.
  const given = Object.entries(value).filter(([, content]) => content !== null);
  const complete: Record<string, unknown> = Object.fromEntries(given);
  for (const [name, child] of schema.properties) {
    if (complete[name] === undefined && child.fallback !== undefined)
      complete[name] = structuredClone(child.fallback);
    if (complete[name] !== undefined) complete[name] = withDefaults(child, complete[name]);
  }
  const { additional } = schema;
  if (additional !== undefined) {
    for (const [name] of given)
      if (!schema.properties.has(name)) complete[name] = withDefaults(additional, complete[name]);
  }
  return complete;
}

/** `path: what is wrong` for each. As in Kubernetes, rules are only run once the schema holds. */
export function crdIssues(schema: CrdSchema, value: unknown, listener: RuleListener): string[] {
  const issues = schemaIssues(schema, value, "");
  return issues.length > 0 ? issues : ruleIssues(schema, value, "", listener);
}

function schemaIssues(schema: CrdSchema, value: unknown, path: string): string[] {
  const own = ownIssue(schema, value);
  if (own !== undefined) return [`${path}: ${own}`];
  if (Array.isArray(value)) {
    const { items } = schema;
    return items === undefined
      ? []
      : value.flatMap((item, index) => schemaIssues(items, item, `${path}[${index}]`));
  }
  if (!isRecord(value)) return [];
  const missing = schema.required.filter((name) => value[name] === undefined);
  return [
    ...missing.map((name) => `${path}.${name}: is required`),
    ...childrenOf(schema, value).flatMap(([name, child, content]) =>
      schemaIssues(child, content, `${path}.${name}`),
    ),
  ];
}

function ownIssue(schema: CrdSchema, value: unknown): string | undefined {
  const { type, min, max, values, pattern } = schema;
  if (values !== undefined && !values.includes(value)) return "is none of the values";
  if (!isCombination(schema, value)) return "fits none of the combinations";
  if (type === "string") {
    if (typeof value !== "string") return "is no string";
    const length = Array.from(value).length;
    if (length < min || length > max) return "is too long or too short";
    return pattern === undefined || pattern.test(value) ? undefined : "does not fit the pattern";
  }
  if (type === "integer") {
    if (typeof value !== "number" || !Number.isInteger(value)) return "is no whole number";
    return value < min || value > max ? "is out of bounds" : undefined;
  }
  if (type === "boolean") return typeof value === "boolean" ? undefined : "is no boolean";
  if (type === "array") return Array.isArray(value) ? listIssue(schema, value) : "is no list";
  if (type === "") return undefined;
  if (!isRecord(value)) return "is no object";
  const count = Object.keys(value).length;
  return schema.additional !== undefined && (count < min || count > max)
    ? "has too many or too few entries"
    : undefined;
}

/** Parts of a schema that only narrow values have no type of their own. */
function isCombination({ oneOf, anyOf, not, format }: CrdSchema, value: unknown): boolean {
  const fits = (each: CrdSchema): boolean => schemaIssues(each, value, "").length === 0;
  if (format === "ipv4" && (typeof value !== "string" || isIP(value) !== 4)) return false;
  if (format === "ipv6" && (typeof value !== "string" || isIP(value) !== 6)) return false;
  if (oneOf.length > 0 && oneOf.filter(fits).length !== 1) return false;
  if (anyOf.length > 0 && !anyOf.some(fits)) return false;
  return not === undefined || !fits(not);
}

function listIssue({ min, max, isSet, keys }: CrdSchema, value: readonly unknown[]): string | undefined {
  if (value.length < min || value.length > max) return "has too many or too few items";
  if (!isSet && keys.length === 0) return undefined;
  const names = value.map((item) =>
    JSON.stringify(isSet ? item : keys.map((key) => (isRecord(item) ? item[key] : undefined))),
  );
  return new Set(names).size < names.length ? "has an item twice" : undefined;
}

function ruleIssues(schema: CrdSchema, value: unknown, path: string, listener: RuleListener): string[] {
  const own = schema.rules.flatMap((rule) => {
    if (transition.test(rule.rule)) return [];
    const isHeld = holds(rule.rule, value);
    listener.onRule(rule, isHeld);
    return isHeld ? [] : [`${path}: ${rule.message}`];
  });
  if (Array.isArray(value)) {
    const { items } = schema;
    if (items === undefined) return own;
    return [
      ...own,
      ...value.flatMap((item, index) => ruleIssues(items, item, `${path}[${index}]`, listener)),
    ];
  }
  if (!isRecord(value)) return own;
  return [
    ...own,
    ...childrenOf(schema, value).flatMap(([name, child, content]) =>
      ruleIssues(child, content, `${path}.${name}`, listener),
    ),
  ];
}

/** Fields that the schema knows; others are dropped by Kubernetes before it looks. */
function childrenOf(schema: CrdSchema, value: Record<string, unknown>): [string, CrdSchema, unknown][] {
  return Object.entries(value).flatMap(([name, content]): [string, CrdSchema, unknown][] => {
    const child = schema.properties.get(name) ?? schema.additional;
    return child === undefined || content === undefined ? [] : [[name, child, content]];
  });
}
