/** What the API answers of golden signals, from the window or from Prometheus where that is configured. */
import type { ObservabilitySettings } from "../../api/index.ts";
import type { TelemetryProviders } from "../../apiserver/index.ts";
import { signals, topology } from "../../observe/index.ts";
import { findings } from "./findings/findings.ts";
import type { ObservedParts } from "./observed-parts.ts";
import { serviceSummaries } from "./service-summaries.ts";
import { serviceView } from "./service-view.ts";

export interface PrometheusChoice {
  readonly settings: () => ObservabilitySettings;
  /** Of the command line. */
  readonly url: string | undefined;
}

export function observedProviders(parts: ObservedParts, _prometheus: PrometheusChoice): TelemetryProviders {
  const { aggregator } = parts;
  return {
    topology: (query) => ({ ...topology(aggregator, query, parts.names()), from: "window" }),
    signals: (query) => signals(aggregator, query, parts.nowMs()),
    services: (windowSeconds, namespace) => ({
      from: "window",
      items: serviceSummaries(parts, windowSeconds).filter(
        (service) => namespace === undefined || service.namespace === namespace,
      ),
    }),
    serviceView: (service, windowSeconds) => serviceView(parts, service, windowSeconds),
    findings: (namespace) => ({ items: findings(parts, namespace) }),
  };
}
