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
