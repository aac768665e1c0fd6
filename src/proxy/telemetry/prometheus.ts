/** All metrics of a proxy as a page in one of Prometheus' formats, whole or slice by slice. */
import { metricLine, type MetricsFormat } from "../../kernel/index.ts";
import type { MetricFamily } from "./counters.ts";
import type { EdgeSeries } from "./edge-series.ts";
import type { writeIstioFamilies } from "./istio-names.ts";
import { SampleWriter } from "./sample-writer.ts";
import type { SeriesRegistry } from "./series.ts";
import { seriesFamilies } from "./series-families.ts";

/** About 0.3 ms of work, and what a socket takes at once. */
const sliceLength = 131_072;

export interface MetricsSource {
  readonly series: SeriesRegistry;
  readonly families: readonly MetricFamily[];
}

/** As one text, without an end mark: for few series, or where nobody waits. */
export function encodeMetrics(
  series: SeriesRegistry,
  families: readonly MetricFamily[],
  format: MetricsFormat = "text",
): string {
  return [...metricSlices({ series, families }, new SampleWriter(format))].join("");
}

/** The same, in slices that each take a moment. */
export function* metricSlices({ series, families }: MetricsSource, writer: SampleWriter): Generator<string> {
  const edges = [...series.edges()];
  for (const family of seriesFamilies) {
    writer.family(family);
    for (const edge of edges) {
      if (!family.selects(edge)) continue;
      for (const cell of edge.cells) {
        family.write(writer, edge, cell);
        if (writer.length >= sliceLength) yield writer.take();
      }
    }
  }
  const named = edges.filter(isIstioNamed);
  if (named.length > 0) {
    for (const _ of loadIstioNames()(writer, named)) {
      if (writer.length >= sliceLength) yield writer.take();
    }
  }
  for (const family of families) {
    writer.family(family);
    for (const sample of family.samples()) {
      writer.line(metricLine(family.name, sample));
      if (writer.length >= sliceLength) yield writer.take();
    }
  }
  yield writer.take();
}

function isIstioNamed({ labels: { view } }: EdgeSeries): boolean {
  return view !== undefined && view.hasIstioNames && view.isExposed;
}

/** Loaded with the first scrape for which a policy wants them. */
function loadIstioNames(): typeof writeIstioFamilies {
  const loaded: { readonly writeIstioFamilies: typeof writeIstioFamilies } = require("./istio-names.ts");
  return loaded.writeIstioFamilies;
}
