/** The list of services as the API shows it: what the registry knows of each, and how it did in a window. */
import { maxHistoryPoints, type ServiceSummary, type StoredOfKind } from "../../api/index.ts";
import {
  type Aggregator,
  Figures,
  foldBy,
  type Series,
  sumSeries,
  withoutDoubles,
} from "../../observe/index.ts";
import type { RegistryViews, ServiceView } from "../../registry/index.ts";
import type { ObservedParts } from "./observed-parts.ts";

/** What the registry knows, without figures. */
type ServiceIdentity = Pick<
  ServiceSummary,
  "namespace" | "name" | "kind" | "ports" | "workloads" | "ready" | "versions"
>;

const maxVersions = 32;

/** What was counted elsewhere than in the window: at the level of services, without doubles. */
export interface ForeignSums {
  readonly sums: Iterable<readonly [Series, Figures]>;
  readonly seconds: number;
}

/** The history is the window's own in any case: nobody else has so short steps. */
export function serviceSummaries(
  parts: ObservedParts,
  windowSeconds: number,
  foreign?: ForeignSums,
): ServiceSummary[] {
  const { aggregator } = parts;
  const span = aggregator.services.span(windowSeconds * 1_000);
  const sums = foreign?.sums ?? withoutDoubles(sumSeries(aggregator.services, span));
  const figures = foldBy(sums, serviceOf);
  const histories = serviceHistories(aggregator);
  return serviceIdentities(parts).map((identity) => {
    const path = `${identity.namespace}/${identity.name}`;
    return {
      ...identity,
      ...summaryFigures(figures.get(path) ?? new Figures(), foreign?.seconds ?? span.coveredMs / 1_000),
      history: histories.get(path) ?? emptyHistory(),
    };
  });
}

export function summaryFigures(figures: Figures, seconds: number) {
  return {
    requestsPerSecond: figures.count / seconds,
    successRate: figures.successRate,
    p50Ms: figures.quantileMs(0.5),
    p99Ms: figures.quantileMs(0.99),
    mutualTlsShare: figures.count === 0 ? 1 : figures.mutualTls / figures.count,
  };
}

/** In the order of their names. */
function serviceIdentities({ registry, store }: ObservedParts): ServiceIdentity[] {
  const services = [...registry.services()].map((service) => identityOf(service, registry));
  const external = store.list({ kind: "ExternalService" }).items.map(externalIdentity);
  const key = ({ namespace, name }: ServiceIdentity): string => `${namespace}/${name}`;
  return [...services, ...external].toSorted((a, b) => (key(a) < key(b) ? -1 : 1));
}

function identityOf(service: ServiceView, registry: RegistryViews): ServiceIdentity {
  const { namespace, name, path, ports } = service;
  const endpoints = new Map(
    ports
      .flatMap(({ port, transport }) => registry.endpoints(path, port, transport === "UDP" ? "UDP" : "TCP"))
      .map((endpoint) => [endpoint.workload, endpoint]),
  );
  const members = new Set([...registry.membersOf(path), ...endpoints.keys()]);
  const ready = [...endpoints.values()].filter(({ health }) => health === "live").length;
  const versions = new Set(
    [...endpoints.values()].map(({ version }) => version).filter((each) => each !== ""),
  );
  return {
    ...{ namespace, name, kind: "Service", ready, workloads: members.size },
    ports: ports.map(({ port, name: portName, transport, appProtocol }) => {
      return { port, name: portName, protocol: appProtocol ?? transport };
    }),
    versions: [...versions].toSorted().slice(0, maxVersions),
  };
}

function externalIdentity({ metadata, spec }: StoredOfKind<"ExternalService">): ServiceIdentity {
  const count = Math.max(1, spec.endpoints.length);
  return {
    namespace: metadata.namespace ?? "",
    name: metadata.name ?? "",
    kind: "ExternalService",
    ports: spec.ports.map(({ port, name = "", protocol }) => ({ port, name, protocol })),
    ...{ workloads: count, ready: count, versions: [] },
  };
}

/** What came to whom. At the level of services a destination without a service is its group. */
export function serviceOf(series: Series): string {
  return series.destinationWorkload === "" ? series.destinationService : series.destinationWorkload;
}

/** Requests per second in closed slots, oldest first, up to the newest closed one. */
function serviceHistories(aggregator: Aggregator): Map<string, number[]> {
  const { services } = aggregator;
  const { slotMs } = services;
  const { toMs } = services.span(slotMs);
  const endMs = Math.floor((toMs - 1) / slotMs) * slotMs;
  const fromMs = endMs - maxHistoryPoints * slotMs;
  const counts = new Map<Series, number[]>();
  services.read({ fromMs, toMs: endMs, coveredMs: endMs - fromMs }, (series, { count }, startMs) => {
    const slots = counts.get(series) ?? emptyHistory();
    counts.set(series, slots);
    const slot = Math.floor((startMs - fromMs) / slotMs);
    slots[slot] = (slots[slot] ?? 0) + count / (slotMs / 1_000);
  });
  const histories = new Map<string, number[]>();
  for (const [series, slots] of withoutDoubles(counts)) {
    const history = histories.get(serviceOf(series)) ?? emptyHistory();
    histories.set(serviceOf(series), history);
    for (const [slot, rate] of slots.entries()) history[slot] = (history[slot] ?? 0) + rate;
  }
  return histories;
}

function emptyHistory(): number[] {
  return Array.from({ length: maxHistoryPoints }, () => 0);
}
