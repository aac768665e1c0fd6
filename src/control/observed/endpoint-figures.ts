/** How each workload behind a service did, as its callers saw it, or it itself where they report less. */
import { type Aggregator, Figures, foldBy, type Span, sumSeries } from "../../observe/index.ts";

/** By "namespace/name" of the workload. */
export function endpointFigures(aggregator: Aggregator, span: Span, service: string): Map<string, Figures> {
  return allEndpointFigures(aggregator, span, (each) => each === service).get(service) ?? new Map();
}

/** By service, then by workload. What came to a workload that no service was dialled for counts for its own service. */
export function allEndpointFigures(
  aggregator: Aggregator,
  span: Span,
  isWanted: (service: string) => boolean = () => true,
): Map<string, Map<string, Figures>> {
  const serviceOf = (series: { destinationService: string; destinationWorkload: string }): string =>
    series.destinationService === ""
      ? aggregator.groupOf(series.destinationWorkload)
      : series.destinationService;
  const sums = sumSeries(aggregator.detail, span, (series) => {
    // What reached no endpoint says nothing of one.
    const { destinationWorkload } = series;
    return destinationWorkload !== "" && destinationWorkload !== "other" && isWanted(serviceOf(series));
  });
  const byDirection = foldBy(
    sums,
    (series) => `${series.direction}\n${serviceOf(series)}\n${series.destinationWorkload}`,
  );
  const services = new Map<string, Map<string, Figures>>();
  for (const [key, figures] of byDirection) {
    const [, service = "", workload = ""] = key.split("\n");
    const endpoints = services.get(service) ?? new Map<string, Figures>();
    services.set(service, endpoints);
    // Never both: whoever reports more was there for all of it.
    const known = endpoints.get(workload) ?? new Figures();
    endpoints.set(workload, known.count >= figures.count ? known : figures);
  }
  return services;
}
