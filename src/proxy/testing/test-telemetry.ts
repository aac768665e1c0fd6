/** What a proxy is to tell of its traffic, put together by hand: the defaults, with what a test says instead. */
import type {
  PreparedAccessLog,
  PreparedRedaction,
  PreparedTelemetry,
  PreparedTracing,
} from "../../decide/telemetry/index.ts";
import type { Collector } from "../../model/index.ts";

export interface TelemetryParts {
  readonly collectors?: readonly Collector[];
  readonly tracing?: Partial<PreparedTracing>;
  readonly accessLog?: Partial<PreparedAccessLog>;
  readonly redaction?: Partial<PreparedRedaction>;
}

/** Tracing is on, keeps 1 %, errors and what is slower than a second. */
export function testTelemetry(parts: TelemetryParts = {}): PreparedTelemetry {
  return {
    collectors: parts.collectors ?? [],
    metrics: {
      isEnabled: true,
      labels: [],
      dropped: new Set(),
      hasIstioNames: false,
      hasExemplars: true,
      maxSeries: 2_000,
    },
    tracing: {
      isEnabled: true,
      samplingPpm: 10_000,
      followsParent: true,
      keepsErrors: true,
      keepsSlowerThanMs: 1_000,
      propagation: [],
      attributes: [],
      ...parts.tracing,
    },
    accessLog: {
      isEnabled: undefined,
      textFormat: undefined,
      fields: [],
      filter: undefined,
      samplingPpm: 1_000_000,
      redaction: {
        hidesHeader: () => false,
        query: () => undefined,
        path: (path) => path,
        ...parts.redaction,
      },
      toFile: true,
      ...parts.accessLog,
    },
  };
}
