/**
 * What a proxy tells of an exchange, ready to be asked: the workload's (or Gateway's) telemetry with the route's over it,
 * field by field, and the defaults below. Prepared once for each pair, asked for each exchange that ends.
 */
import type { Collector, TracePropagation } from "../../model/index.ts";
import type { TelemetryFacts } from "./facts.ts";

export interface PreparedTelemetry {
  readonly collectors: readonly Collector[];
  readonly metrics: PreparedMetrics;
  readonly tracing: PreparedTracing;
  readonly accessLog: PreparedAccessLog;
}

export interface PreparedLabel {
  readonly name: string;
  /** Empty: it cannot be told, or is not there. */
  read(facts: TelemetryFacts): string;
}

export interface PreparedMetrics {
  readonly isEnabled: boolean;
  readonly labels: readonly PreparedLabel[];
  /** Names of labels that stay empty. */
  readonly dropped: ReadonlySet<string>;
  readonly hasIstioNames: boolean;
  readonly hasExemplars: boolean;
  readonly maxSeries: number;
}

export interface PreparedTracing {
  readonly isEnabled: boolean;
  readonly samplingPpm: number;
  readonly followsParent: boolean;
  readonly keepsErrors: boolean;
  /** 0: none for its time. */
  readonly keepsSlowerThanMs: number;
  readonly propagation: readonly TracePropagation[];
  readonly attributes: readonly PreparedLabel[];
}

export interface PreparedAccessLog {
  /** Undefined: as `Mesh.access_log` says. */
  readonly isEnabled: boolean | undefined;
  /** Undefined: JSON. */
  readonly textFormat: string | undefined;
  readonly fields: readonly PreparedLabel[];
  /** Undefined: everything. */
  readonly filter: ((facts: TelemetryFacts) => boolean) | undefined;
  /** Of what went well. */
  readonly samplingPpm: number;
  readonly redaction: PreparedRedaction;
  readonly toFile: boolean;
}

export interface PreparedRedaction {
  /** `name` in lower case. */
  hidesHeader(name: string): boolean;
  /** What of a query (without "?") is told; undefined: nothing of it. */
  query(raw: string): string | undefined;
  /** As it is told, without the query. */
  path(path: string): string;
}
