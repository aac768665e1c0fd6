/**
 * Text that stands for a number: durations (GEP-2257) and decimals, which Kubernetes keeps as text since not every reader
 * has the same floating point. The bounds are part of the schema, so that check and reference text read one declaration.
 */
import type { TSchema, TString } from "typebox";
import type { Issue } from "../kernel/index.ts";
import { parseDurationMs } from "./duration.ts";
import { childOf, joinPath } from "./field-path.ts";
import { duration } from "./formats.ts";
import { isRecord } from "./plain-json.ts";
import { text } from "./schema.ts";

export interface Measure {
  readonly kind: "duration" | "decimal";
  readonly min: string;
  readonly max: string;
  /** What 0 says, where it is allowed although it is less than `min`. */
  readonly zero?: string;
}

interface Bounds {
  readonly min: string;
  readonly max: string;
  readonly zero?: string;
}

export function timeSpan(
  description: string,
  bounds: Bounds,
  options: { readonly default?: string } = {},
): TString {
  return text(description, duration, { ...options, measure: { kind: "duration", ...bounds } });
}

/** At most two digits behind the point. */
export function decimal(description: string, bounds: Bounds): TString {
  const format = {
    min: 1,
    max: 8,
    pattern: "^[0-9]{1,5}(\\.[0-9]{1,2})?$",
    expected: 'a number in quotes with at most two digits behind the point, such as "1.5"',
  };
  return text(description, format, { measure: { kind: "decimal", ...bounds } });
}

/** Undefined where the field is no measure. */
export function measureOf(schema: unknown): Measure | undefined {
  const measure = childOf(schema, "measure");
  return isMeasure(measure) ? measure : undefined;
}

function isMeasure(value: unknown): value is Measure {
  return isRecord(value) && (value["kind"] === "duration" || value["kind"] === "decimal");
}

/** Milliseconds of a duration that has been checked; undefined for what is not there. */
export function milliseconds(value: string | undefined): number | undefined {
  return value === undefined ? undefined : parseDurationMs(value);
}

/** Hundredths of a decimal that has been checked; undefined for what is not there. */
export function hundredths(value: string | undefined): number | undefined {
  return value === undefined ? undefined : Math.round(Number(value) * 100);
}

/** Every measure in `value` that is not within its bounds. `value` has been checked against `schema`. */
export function checkMeasures(schema: TSchema, value: unknown, path: string): Issue[] {
  const measure = measureOf(schema);
  if (measure !== undefined) return typeof value === "string" ? checkMeasure(measure, value, path) : [];
  if (Array.isArray(value)) {
    const items: unknown = childOf(schema, "items");
    return value.flatMap((item, index) => childIssues(items, item, joinPath(path, index)));
  }
  if (!isRecord(value)) return [];
  const properties: unknown = childOf(schema, "properties");
  return Object.entries(value).flatMap(([name, child]) =>
    childIssues(childOf(properties, name), child, joinPath(path, name)),
  );
}

function childIssues(schema: unknown, value: unknown, path: string): Issue[] {
  return isRecord(schema) ? checkMeasures(schema, value, path) : [];
}

function checkMeasure(measure: Measure, value: string, path: string): Issue[] {
  const amount = amountOf(measure, value);
  if (amount === 0 && measure.zero !== undefined) return [];
  if (amount >= amountOf(measure, measure.min) && amount <= amountOf(measure, measure.max)) return [];
  return [{ path, message: `must be ${rangeText(measure)}` }];
}

function amountOf({ kind }: Measure, value: string): number {
  return kind === "duration" ? (parseDurationMs(value) ?? 0) : Number(value);
}

/** "1ms to 1h, or 0s: none" */
export function rangeText({ kind, min, max, zero }: Measure): string {
  const range = `${min} to ${max}`;
  return zero === undefined ? range : `${range}, or ${kind === "duration" ? "0s" : "0"}: ${zero}`;
}
