/** The text formats that Prometheus reads (its own 0.0.4, and OpenMetrics 1.0), for everything of weft that is scraped. */

export type MetricsFormat = "text" | "openmetrics";

export const prometheusContentType = "text/plain; version=0.0.4; charset=utf-8";

export const metricsContentTypes: Readonly<Record<MetricsFormat, string>> = {
  text: prometheusContentType,
  openmetrics: "application/openmetrics-text; version=1.0.0; charset=utf-8",
};

export interface MetricSample {
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

export type MetricType = "counter" | "gauge" | "histogram" | "summary";

interface MetricHead {
  readonly name: string;
  readonly help: string;
  readonly type: MetricType;
}

/** The two lines before a family's samples. OpenMetrics names a counter without its `_total`, which its samples have. */
export function metricHeader({ name, help, type }: MetricHead, format: MetricsFormat = "text"): string[] {
  const family = format === "openmetrics" && type === "counter" ? name.replace(/_total$/, "") : name;
  const escaped = help.replaceAll("\\", "\\\\").replaceAll("\n", "\\n");
  // OpenMetrics alone has quotes escaped here.
  const text = format === "openmetrics" ? escaped.replaceAll('"', '\\"') : escaped;
  return [`# HELP ${family} ${text}`, `# TYPE ${family} ${type}`];
}

export function metricLine(name: string, { labels, value }: MetricSample): string {
  const pairs = Object.entries(labels).map(([label, text]) => `${label}="${escapeLabel(text)}"`);
  return `${name}${pairs.length === 0 ? "" : `{${pairs.join(",")}}`} ${value}`;
}

/** What stands between the quotes of a label, whatever a peer or an operator wrote. */
export function escapeLabel(value: string): string {
  if (!/[\\"\n]/.test(value)) return value;
  return value.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("\n", "\\n");
}

/** The bound of a bucket as both formats write it, so that a series has one name in both. */
export function boundText(bound: number): string {
  return Number.isInteger(bound) ? `${bound}.0` : String(bound);
}

/** What an Accept field prefers. Without one, or where it takes neither: "text". */
export function acceptedFormat(accept: string | null | undefined): MetricsFormat {
  let openMetrics = 0;
  let text = 0;
  for (const range of (accept ?? "").slice(0, 4_096).toLowerCase().split(",")) {
    const [type = "", ...parameters] = range.split(";").map((part) => part.trim());
    const quality = qualityOf(parameters);
    if (type === "application/openmetrics-text" && isKnownVersion(parameters))
      openMetrics = Math.max(openMetrics, quality);
    else if (type === "text/plain") text = Math.max(text, quality);
  }
  return openMetrics > 0 && openMetrics >= text ? "openmetrics" : "text";
}

function qualityOf(parameters: readonly string[]): number {
  const given = parameters.find((parameter) => parameter.startsWith("q="));
  const quality = given === undefined ? 1 : Number(given.slice(2));
  return quality >= 0 && quality <= 1 ? quality : 0;
}

function isKnownVersion(parameters: readonly string[]): boolean {
  const version = parameters.find((parameter) => parameter.startsWith("version="));
  return version === undefined || version === "version=1.0.0" || version === "version=0.0.1";
}
