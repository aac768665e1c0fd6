/** A real OpenTelemetry Collector (`collector/main.go`): takes OTLP over gRPC and HTTP, and writes all of it in words. */
import { join } from "node:path";
import { findGoProgram, type FoundProgram } from "../go-tools.ts";

export function findCollector(): Promise<FoundProgram> {
  return findGoProgram({
    ...{ name: "collector", variable: "WEFT_COLLECTOR", directory: join(import.meta.dir, "collector") },
    buildVariable: "WEFT_BUILD_COLLECTOR",
  });
}

export const grpcPort = 4_317;
export const httpPort = 4_318;

/** For a place with addresses of its own. Everything that comes in is written to standard output at once. */
export const collectorConfiguration = JSON.stringify({
  receivers: {
    otlp: {
      protocols: {
        grpc: { endpoint: `0.0.0.0:${grpcPort}` },
        http: { endpoint: `0.0.0.0:${httpPort}` },
      },
    },
  },
  exporters: { debug: { verbosity: "detailed", use_internal_logger: false } },
  service: {
    telemetry: { metrics: { level: "none" } },
    pipelines: Object.fromEntries(
      ["traces", "metrics", "logs"].map((signal) => [signal, { receivers: ["otlp"], exporters: ["debug"] }]),
    ),
  },
});
