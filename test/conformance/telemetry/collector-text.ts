/** What the Collector's debug exporter writes, read back: spans, data points of metrics, log records. */

type Attributes = Readonly<Record<string, string>>;

export interface ToldSpan {
  readonly traceId: string;
  /** Empty: a root. */
  readonly parentId: string;
  readonly id: string;
  readonly name: string;
  readonly kind: string;
  readonly attributes: Attributes;
  readonly resource: Attributes;
}

interface ToldPoint {
  readonly metric: string;
  readonly unit: string;
  readonly type: string;
  readonly temporality: string;
  /** Of a histogram its count, else the value. */
  readonly value: number;
  readonly attributes: Attributes;
  readonly resource: Attributes;
}

interface ToldRecord {
  readonly body: string;
  readonly severity: string;
  readonly traceId: string;
  readonly spanId: string;
  readonly attributes: Attributes;
  readonly resource: Attributes;
}

export interface Told {
  readonly spans: readonly ToldSpan[];
  readonly points: readonly ToldPoint[];
  readonly records: readonly ToldRecord[];
}

/** A part of the text: from a line that begins one to the next that begins any. */
interface Part {
  readonly kind: string;
  readonly fields: ReadonlyMap<string, string>;
  readonly attributes: Attributes;
}

const begin =
  /^(ResourceSpans|ResourceMetrics|ResourceLog|ScopeSpans|ScopeMetrics|ScopeLogs|Span|Metric|LogRecord|NumberDataPoints|HistogramDataPoints) #\d+$/;

export function readTold(text: string): Told {
  const spans: ToldSpan[] = [];
  const points: ToldPoint[] = [];
  const records: ToldRecord[] = [];
  let resource: Attributes = {};
  let metric: Part | undefined;
  for (const part of partsOf(text)) {
    const { attributes } = part;
    const field = (name: string): string => part.fields.get(name) ?? "";
    if (part.kind.startsWith("Resource")) resource = attributes;
    else if (part.kind === "Metric") metric = part;
    else if (part.kind === "Span") {
      spans.push({
        ...{ traceId: field("Trace ID"), parentId: field("Parent ID"), id: field("ID") },
        ...{ name: field("Name"), kind: field("Kind"), attributes, resource },
      });
    } else if (part.kind === "LogRecord") {
      records.push({
        ...{ body: bare(field("Body")), severity: field("SeverityText") },
        ...{ traceId: field("Trace ID"), spanId: field("Span ID"), attributes, resource },
      });
    } else if (part.kind.endsWith("DataPoints") && metric !== undefined) {
      points.push({
        metric: metric.fields.get("Name") ?? "",
        unit: metric.fields.get("Unit") ?? "",
        type: metric.fields.get("DataType") ?? "",
        temporality: metric.fields.get("AggregationTemporality") ?? "",
        value: Number(part.fields.get("Count") ?? part.fields.get("Value")),
        ...{ attributes, resource },
      });
    }
  }
  return { spans, points, records };
}

function* partsOf(text: string): Generator<Part> {
  let kind = "";
  let fields = new Map<string, string>();
  let attributes: Record<string, string> = {};
  for (const line of text.split("\n")) {
    const begun = begin.exec(line)?.[1];
    if (begun !== undefined || line === "") {
      if (kind !== "") yield { kind, fields, attributes };
      kind = begun ?? "";
      fields = new Map();
      attributes = {};
      continue;
    }
    // Fields of a metric's descriptor look like attributes; their names have capitals and their values no type.
    const [, attribute, typed] = /^ {5}-> (.+?): (\w+\(.*\))$/.exec(line) ?? [];
    if (attribute !== undefined && typed !== undefined) attributes[attribute] = bare(typed);
    else {
      const [, name, value] = /^(?: {5}-> | {4})?([A-Z][\w ]*?) *: ?(.*)$/.exec(line) ?? [];
      if (name !== undefined && value !== undefined && !fields.has(name)) fields.set(name, value);
    }
  }
  if (kind !== "") yield { kind, fields, attributes };
}

/** Of `Str(text)`. */
function bare(typed: string): string {
  return /^\w+\((.*)\)$/.exec(typed)?.[1] ?? typed;
}
