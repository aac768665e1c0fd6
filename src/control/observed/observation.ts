/** The control plane's part that keeps and shows golden signals: the window with its file, and what the API reads of it. */
import { milliseconds } from "../../api/index.ts";
import type { TelemetryProviders } from "../../apiserver/index.ts";
import type { Clock, Log } from "../../kernel/index.ts";
import { Aggregator, Ejections, type NodeNames, Reporters, SlotFile } from "../../observe/index.ts";
import type { Registry } from "../../registry/index.ts";
import type { TelemetryFigures } from "../metrics.ts";
import type { Configuration } from "../configuration.ts";
import type { ProxyDirectory } from "../proxy-directory.ts";
import type { ObservedParts } from "./observed-parts.ts";
import { observedProviders } from "./observed-providers.ts";
import { groupOfWorkload } from "./workload-group.ts";

export interface ObservationOptions
  extends Pick<ObservedParts, "plaintextCallers" | "store" | "meshStatus" | "certificates"> {
  readonly registry: Registry;
  readonly directory: ProxyDirectory;
  readonly configuration: Configuration;
  /** In the place of that of the settings. */
  readonly prometheusUrl: string | undefined;
  /** Of the window's file. */
  readonly path: string;
  readonly clock: Clock;
  readonly log: Log;
}

export interface Observation {
  readonly aggregator: Aggregator;
  readonly reporters: Reporters;
  readonly ejections: Ejections;
  readonly providers: TelemetryProviders;
  figures(): TelemetryFigures;
  /** Writes what is not on disk yet. */
  close(): void;
}

export function openObservation(options: ObservationOptions): Observation {
  const {
    registry,
    store,
    directory,
    configuration,
    plaintextCallers,
    meshStatus,
    certificates,
    clock,
    log,
  } = options;
  const file = SlotFile.open({ path: options.path, log });
  const { window, resolution } = configuration.meshConfig.spec.observability;
  const aggregator = new Aggregator({
    ...{ clock, log, file },
    groupOf: (workload) => groupOfWorkload(registry.views, workload),
    windowMs: milliseconds(window),
    windowSlotMs: milliseconds(resolution),
  });
  const unsubscribe = configuration.subscribe((_output, _revision, change) => {
    if (change !== undefined) aggregator.regroup(change.workloads);
  });
  const [reporters, ejections] = [new Reporters(clock), new Ejections(clock)];
  const names = (): NodeNames => nodeNames(registry, directory, aggregator, store);
  const parts: ObservedParts = {
    ...{ aggregator, reporters, ejections, plaintextCallers, store, names, meshStatus, certificates },
    registry: registry.views,
    nowMs: () => clock.nowMs(),
    log,
  };
  return {
    ...{ aggregator, reporters, ejections },
    providers: observedProviders(parts, {
      settings: () => configuration.meshConfig.spec.observability,
      url: options.prometheusUrl,
    }),
    figures: () => ({
      droppedSeries: aggregator.droppedSeries,
      refusedEdges: aggregator.refusedEdges,
      refusedReports: aggregator.refusedReports,
      refusedHits: aggregator.hits.refused,
      proxies: reporters.list().length,
      intervalMs: reporters.intervalMs,
      series: { service: aggregator.services.seriesCount, workload: aggregator.detail.seriesCount },
      bytes: { service: aggregator.services.memoryBytes, workload: aggregator.detail.memoryBytes },
      isOnDisk: file !== undefined && aggregator.diskProblem === undefined,
    }),
    close() {
      unsubscribe();
      aggregator.close();
      file?.close();
    },
  };
}

function nodeNames(
  { views }: Registry,
  directory: ProxyDirectory,
  aggregator: Aggregator,
  store: ObservedParts["store"],
): NodeNames {
  const workloads = directory.gateways();
  const gateways = new Set([...workloads, ...workloads.map((workload) => aggregator.groupOf(workload))]);
  const external = new Set(
    store
      .list({ kind: "ExternalService" })
      .items.map(({ metadata }) => `${metadata.namespace ?? ""}/${metadata.name ?? ""}`),
  );
  return {
    isGateway: (id) => gateways.has(id),
    serviceKind: (path) =>
      external.has(path) ? "external" : views.service(path) === undefined ? undefined : "service",
  };
}
