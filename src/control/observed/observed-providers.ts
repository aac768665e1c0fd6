/** What the API answers of golden signals, from the window or from Prometheus where that is configured. */
import { milliseconds, type ObservabilitySettings } from "../../api/index.ts";
import type { TelemetryProviders } from "../../apiserver/index.ts";
import { WeftError } from "../../kernel/index.ts";
import {
  PrometheusClient,
  prometheusServiceSums,
  prometheusSignals,
  prometheusTopology,
  signals,
  topology,
} from "../../observe/index.ts";
import { findings } from "./findings/findings.ts";
import type { ObservedParts } from "./observed-parts.ts";
import { serviceSummaries } from "./service-summaries.ts";
import { serviceView } from "./service-view.ts";

export interface PrometheusChoice {
  readonly settings: () => ObservabilitySettings;
  /** Of the command line. */
  readonly url: string | undefined;
}

const defaultTimeoutMs = 5_000;

export function observedProviders(parts: ObservedParts, choice: PrometheusChoice): TelemetryProviders {
  const { aggregator } = parts;
  const context = () => ({ groups: aggregator, names: parts.names(), nowMs: parts.nowMs() });
  return {
    topology: (query) =>
      eitherOf(choice, {
        prometheus: (client) => prometheusTopology(client, query, context()),
        window: () => ({ ...topology(aggregator, query, parts.names()), from: "window" as const }),
      }),
    signals: (query) =>
      eitherOf(choice, {
        prometheus: (client) => prometheusSignals(client, query, context()),
        window: () => signals(aggregator, query, parts.nowMs()),
      }),
    services(windowSeconds, namespace) {
      const isWanted = (service: { readonly namespace: string }): boolean =>
        namespace === undefined || service.namespace === namespace;
      return eitherOf(choice, {
        async prometheus(client) {
          const sums = await prometheusServiceSums(client, windowSeconds, context());
          const items = serviceSummaries(parts, windowSeconds, { sums, seconds: windowSeconds });
          return { from: "prometheus" as const, items: items.filter(isWanted) };
        },
        window: () => ({
          from: "window" as const,
          items: serviceSummaries(parts, windowSeconds).filter(isWanted),
        }),
      });
    },
    serviceView: (service, windowSeconds) => serviceView(parts, service, windowSeconds),
    findings: (namespace) => ({ items: findings(parts, namespace) }),
  };
}

interface Sources<P, W> {
  readonly prometheus: (client: PrometheusClient) => Promise<P>;
  readonly window: () => W;
}

/** From the window where Prometheus is not configured, or does not answer; then the document says so. */
async function eitherOf<P extends object, W extends object>(
  { settings, url }: PrometheusChoice,
  { prometheus, window }: Sources<P, W>,
): Promise<P | (W & { readonly note?: string })> {
  const configured = settings().prometheus;
  const place = url ?? configured?.url;
  if (place === undefined) return window();
  const timeoutMs = milliseconds(configured?.timeout) ?? defaultTimeoutMs;
  try {
    return await prometheus(new PrometheusClient({ url: place, timeoutMs }));
  } catch (error) {
    if (!(error instanceof WeftError)) throw error;
    return { ...window(), note: error.message };
  }
}
