/** Results in the format that was asked for: JSON, YAML, names or tables of resources. */
import { stringify } from "yaml";
import { plainJson } from "./plain-text.ts";
import type { OutputFormat } from "./shared-options.ts";

/** For programs; undefined where a table was asked for. */
export function structured(value: unknown, format: OutputFormat): string | undefined {
  switch (format) {
    case "json":
      return `${plainJson(value, 2)}\n`;
    case "yaml":
      return stringify(value, { lineWidth: 0 });
    case "table":
    case "wide":
    case "name":
      return undefined;
  }
}

const unitsOfAge: readonly [string, number][] = [
  ["d", 86_400],
  ["h", 3_600],
  ["m", 60],
];

/** `5s`, `3m`, `7h`, `12d`: the largest unit of which there are at least two, as kubectl has it. */
export function formatAge(fromMs: number, nowMs: number): string {
  const seconds = Math.max(0, Math.floor((nowMs - fromMs) / 1000));
  for (const [unit, length] of unitsOfAge) {
    if (seconds >= 2 * length) return `${Math.floor(seconds / length)}${unit}`;
  }
  return `${seconds}s`;
}
