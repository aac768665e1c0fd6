/** The readable difference of two versions of an object as it is written, without what a store adds and without secrets. */
import type { ApiObject } from "../../api/index.ts";
import { lineDiff } from "./line-diff.ts";
import { HiddenTexts } from "./message-text.ts";
import { lineText } from "./resource-diff.ts";

const storesOwn: ReadonlySet<string> = new Set([
  "uid",
  "resourceVersion",
  "generation",
  "creationTimestamp",
  "managedFields",
]);
const secretFields: ReadonlySet<string> = new Set(["data", "stringData"]);

/** Undefined: it is not there. */
export function objectDiff(before: ApiObject | undefined, after: ApiObject | undefined): string[] {
  const hidden = new HiddenTexts();
  return lineDiff(objectLines(before, hidden), objectLines(after, hidden)).map(lineText);
}

function objectLines(object: ApiObject | undefined, hidden: HiddenTexts): string[] {
  if (object === undefined) return [];
  const lines: string[] = [];
  const isSecret = object.kind === "Secret";
  for (const [name, value] of Object.entries(object)) {
    if (name === "status") continue;
    const shown =
      name === "metadata"
        ? without(value, storesOwn)
        : isSecret && secretFields.has(name)
          ? hide(value, hidden)
          : value;
    writeField(lines, name, shown, "");
  }
  return lines;
}

function without(value: unknown, names: ReadonlySet<string>): unknown {
  if (!isRecord(value)) return value;
  return Object.fromEntries(Object.entries(value).filter(([name]) => !names.has(name)));
}

function hide(value: unknown, hidden: HiddenTexts): unknown {
  if (!isRecord(value)) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, secret]) => [name, hidden.label(String(secret))]),
  );
}

function writeField(lines: string[], name: string, value: unknown, indent: string): void {
  if (value === undefined) return;
  if (Array.isArray(value) && value.length > 0) {
    lines.push(`${indent}${name}:`);
    for (const item of value) writeItem(lines, item, `${indent}  `);
  } else if (isRecord(value) && Object.keys(value).length > 0) {
    lines.push(`${indent}${name}:`);
    for (const [key, inner] of Object.entries(value)) writeField(lines, key, inner, `${indent}  `);
  } else lines.push(`${indent}${name}: ${scalar(value)}`);
}

function writeItem(lines: string[], item: unknown, indent: string): void {
  if (!isRecord(item) || Object.keys(item).length === 0) {
    lines.push(`${indent}- ${scalar(item)}`);
    return;
  }
  const start = lines.length;
  for (const [key, inner] of Object.entries(item)) writeField(lines, key, inner, `${indent}  `);
  lines[start] = `${indent}- ${(lines[start] ?? "").slice(indent.length + 2)}`;
}

function scalar(value: unknown): string {
  const text = typeof value === "string" ? value : JSON.stringify(value);
  return typeof value === "string" && !/^[\w./(*][\w./:@*+,() -]*$/.test(text) ? JSON.stringify(text) : text;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
