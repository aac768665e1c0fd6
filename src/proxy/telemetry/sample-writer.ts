/** Gathers the lines of a page of metrics, in either format, until somebody takes them. */
import { boundText, metricHeader, type MetricsFormat, type MetricType } from "../../kernel/index.ts";
import type { EdgeSeries } from "./edge-series.ts";
import { durationBoundsSeconds, type Exemplar, type SeriesCell } from "./series-cell.ts";
import { labelText } from "./series-labels.ts";

const durationBoundTexts = durationBoundsSeconds.map(boundText);

export class SampleWriter {
  readonly format: MetricsFormat;
  /** Of families that were begun. */
  readonly names = new Set<string>();
  #text = "";

  constructor(format: MetricsFormat) {
    this.format = format;
  }

  get length(): number {
    return this.#text.length;
  }

  /** What was written since the last call. */
  take(): string {
    const text = this.#text;
    this.#text = "";
    return text;
  }

  family(head: { readonly name: string; readonly help: string; readonly type: MetricType }): void {
    this.names.add(head.name);
    this.#text += `${metricHeader(head, this.format).join("\n")}\n`;
  }

  line(line: string): void {
    this.#text += `${line}\n`;
  }

  /** `labels` as they stand between the braces; empty: none. */
  sample(name: string, labels: string, value: number): void {
    this.#text += labels === "" ? `${name} ${value}\n` : `${name}{${labels}} ${value}\n`;
  }

  /** A summary of which only sum and count are known. */
  total(name: string, labels: string, sum: number, count: number): void {
    this.#text += `${name}_sum{${labels}} ${sum}\n${name}_count{${labels}} ${count}\n`;
  }

  /** In seconds. */
  durations(name: string, edge: EdgeSeries, cell: SeriesCell): void {
    const { exemplars } = cell;
    const labels = labelText(edge, cell);
    const told = this.format === "openmetrics" ? exemplars : undefined;
    this.histogram(name, labels, {
      bounds: durationBoundTexts,
      buckets: cell.buckets,
      sum: cell.sumUs / 1_000_000,
      exemplar: (index) => exemplarText(told?.get(index)),
    });
  }

  histogram(
    name: string,
    labels: string,
    {
      bounds,
      buckets,
      sum,
      exemplar,
    }: {
      readonly bounds: readonly string[];
      /** Not cumulative; one more than bounds. */
      readonly buckets: Float64Array;
      readonly sum: number;
      readonly exemplar?: (index: number) => string;
    },
  ): void {
    const begin = labels === "" ? `${name}_bucket{le="` : `${name}_bucket{${labels},le="`;
    let cumulative = 0;
    for (let i = 0; i < buckets.length; i++) {
      cumulative += buckets[i] ?? 0;
      this.#text += `${begin}${bounds[i] ?? "+Inf"}"} ${cumulative}${exemplar?.(i) ?? ""}\n`;
    }
    this.sample(`${name}_sum`, labels, sum);
    this.sample(`${name}_count`, labels, cumulative);
  }
}

function exemplarText(exemplar: Exemplar | undefined): string {
  if (exemplar === undefined) return "";
  const { traceId, durationUs, timeMs } = exemplar;
  return ` # {trace_id="${traceId}"} ${durationUs / 1_000_000} ${timeMs / 1_000}`;
}
