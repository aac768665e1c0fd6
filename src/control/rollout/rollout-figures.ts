/** Requests of groups of proxies, read from what they reported themselves. */
import type { RolloutFigures } from "../../api/index.ts";
import { type Aggregator, Figures } from "../../observe/index.ts";

/** Figures of the requests that proxies of one group told of between two moments. */
export type FiguresOf = (
  span: { readonly fromMs: number; readonly toMs: number },
  isIn: (workload: string) => boolean,
) => RolloutFigures;

/** Whole slots that begin in the span: what came before the first of them is nobody's. */
export function figuresFrom({ detail }: Pick<Aggregator, "detail">): FiguresOf {
  return (span, isIn) => {
    const sum = new Figures();
    detail.read({ ...span, coveredMs: span.toMs - span.fromMs }, (series, cell) => {
      const reporter = series.direction === "outbound" ? series.sourceWorkload : series.destinationWorkload;
      if (isIn(reporter)) sum.add(series, cell);
    });
    return { requests: sum.count, failures: sum.failures, p99Ms: sum.quantileMs(0.99) };
  };
}
