export {
  type AnyValue,
  AnyValueSchema,
  type KeyValue,
  KeyValueSchema,
} from "../gen/opentelemetry/proto/common/v1/common_pb.js";
export { ResourceSchema } from "../gen/opentelemetry/proto/resource/v1/resource_pb.js";
export { InstrumentationScopeSchema } from "../gen/opentelemetry/proto/common/v1/common_pb.js";
export {
  type Span,
  type Span_Event as SpanEvent,
  Span_EventSchema as SpanEventSchema,
  Span_SpanKind as SpanKind,
  SpanSchema,
  Status_StatusCode as StatusCode,
} from "../gen/opentelemetry/proto/trace/v1/trace_pb.js";
export {
  AggregationTemporality,
  type HistogramDataPoint,
  type Metric,
  MetricSchema,
  type NumberDataPoint,
} from "../gen/opentelemetry/proto/metrics/v1/metrics_pb.js";
export { LogRecordSchema, SeverityNumber } from "../gen/opentelemetry/proto/logs/v1/logs_pb.js";
export {
  ExportTraceServiceRequestSchema,
  ExportTraceServiceResponseSchema,
} from "../gen/opentelemetry/proto/collector/trace/v1/trace_service_pb.js";
export {
  ExportMetricsServiceRequestSchema,
  ExportMetricsServiceResponseSchema,
} from "../gen/opentelemetry/proto/collector/metrics/v1/metrics_service_pb.js";
export {
  ExportLogsServiceRequestSchema,
  ExportLogsServiceResponseSchema,
} from "../gen/opentelemetry/proto/collector/logs/v1/logs_service_pb.js";
