export {
  Span_SpanKind as SpanKind,
  type Span,
  SpanSchema,
  Status_StatusCode as StatusCode,
} from "../gen/opentelemetry/proto/trace/v1/trace_pb.js";
export { AggregationTemporality, MetricSchema } from "../gen/opentelemetry/proto/metrics/v1/metrics_pb.js";
export { LogRecordSchema, SeverityNumber } from "../gen/opentelemetry/proto/logs/v1/logs_pb.js";
export {
  ExportTraceServiceRequestSchema,
  ExportTraceServiceResponseSchema,
} from "../gen/opentelemetry/proto/collector/trace/v1/trace_service_pb.js";
