/** The three kinds of things that OTLP carries, and where each is sent. */

export type SignalName = "traces" | "metrics" | "logs";

export interface Signal {
  readonly name: SignalName;
  /** Of the unary call. */
  readonly grpcPath: string;
  /** Behind the collector's own path. */
  readonly httpPath: string;
}

export const signals: Readonly<Record<SignalName, Signal>> = {
  traces: {
    name: "traces",
    grpcPath: "/opentelemetry.proto.collector.trace.v1.TraceService/Export",
    httpPath: "/v1/traces",
  },
  metrics: {
    name: "metrics",
    grpcPath: "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export",
    httpPath: "/v1/metrics",
  },
  logs: {
    name: "logs",
    grpcPath: "/opentelemetry.proto.collector.logs.v1.LogsService/Export",
    httpPath: "/v1/logs",
  },
};
