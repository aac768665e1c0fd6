/**
 * Several pages of Prometheus' text format as one: samples with the same name and labels are added up, but those of which a
 * sum would say nothing. Reads what weft itself writes: one sample on a line, no times, families with a TYPE.
 */

type Merge = "sum" | "least" | "most";

/** Gauges of which the sum says nothing. */
const merges: Readonly<Record<string, Merge>> = {
  weft_config_revision: "least",
  // When the last of them had it.
  weft_config_applied_seconds: "most",
  weft_control_plane_connected: "least",
  weft_certificate_not_after_seconds: "least",
  weft_subscriptions: "most",
  // Workers follow the same endpoints and tell one another.
  weft_endpoints_ejected: "most",
  weft_endpoints_probed_unhealthy: "most",
};

interface Family {
  readonly header: string[];
  readonly name: string;
  readonly isCounted: boolean;
  readonly samples: Map<string, number>;
}

/** In the order of the first page that has a family. */
export function mergeMetrics(pages: readonly string[]): string {
  const families = new Map<string, Family>();
  for (const page of pages) readPage(page, families);
  return print(families.values());
}

/** What of a page still counts when its process is gone: that which never goes back. */
export function countedOnly(page: string): string {
  const families = new Map<string, Family>();
  readPage(page, families);
  return print([...families.values()].filter(({ isCounted }) => isCounted));
}

function readPage(page: string, families: Map<string, Family>): void {
  let help = "";
  let current: Family | undefined;
  for (const line of page.split("\n")) {
    if (line.startsWith("# HELP ")) help = line;
    else if (line.startsWith("# TYPE ")) {
      const [, , name = "", type = ""] = line.split(" ");
      current = families.get(name) ?? {
        header: help === "" ? [line] : [help, line],
        name,
        isCounted: type === "counter" || type === "histogram" || type === "summary",
        samples: new Map(),
      };
      families.set(name, current);
      help = "";
    } else if (line !== "" && !line.startsWith("#") && current !== undefined) addSample(current, line);
  }
}

function addSample({ name, samples }: Family, line: string): void {
  const space = line.lastIndexOf(" ");
  const key = line.slice(0, space);
  const value = Number(line.slice(space + 1));
  const before = samples.get(key);
  samples.set(key, before === undefined ? value : merge(merges[name] ?? "sum", before, value));
}

function merge(kind: Merge, a: number, b: number): number {
  switch (kind) {
    case "sum":
      return a + b;
    case "least":
      return Math.min(a, b);
    case "most":
      return Math.max(a, b);
  }
}

function print(families: Iterable<Family>): string {
  const lines: string[] = [];
  for (const { header, samples } of families) {
    lines.push(...header);
    for (const [key, value] of samples) lines.push(`${key} ${value}`);
  }
  return lines.length === 0 ? "" : `${lines.join("\n")}\n`;
}
