/** The Collector's own words, as version 0.165 wrote them. */
import { expect, test } from "bun:test";
import { readTold } from "./collector-text.ts";

const text = `Traces	{"resource spans": 1, "spans": 1}
ResourceSpans #0
Resource SchemaURL: 
Resource attributes:
     -> service.name: Str(x)
ScopeSpans #0
ScopeSpans SchemaURL: 
InstrumentationScope  
Span #0
    Trace ID       : 4bf92f3577b34da6a3ce929d0e0e4736
    Parent ID      : 
    ID             : 00f067aa0ba902b7
    Name           : GET
    Kind           : Client
    Status code    : Unset
Attributes:
     -> weft.mtls: Bool(true)
     -> url.path: Str(/a: b)

Metrics	{"resource metrics": 1, "metrics": 2, "data points": 2}
ResourceMetrics #0
Resource attributes:
     -> service.name: Str(x)
ScopeMetrics #0
Metric #0
Descriptor:
     -> Name: http.client.request.duration
     -> Description: 
     -> Unit: s
     -> DataType: Histogram
     -> AggregationTemporality: Cumulative
HistogramDataPoints #0
Data point attributes:
     -> weft.x: Str(y)
StartTimestamp: 1970-01-01 00:00:00.000000001 +0000 UTC
Count: 3
Sum: 0.500000
Buckets #0, Count: 3
Metric #1
Descriptor:
     -> Name: c
     -> DataType: Sum
     -> AggregationTemporality: Cumulative
NumberDataPoints #0
Value: 5

Logs	{"resource logs": 1, "log records": 1}
ResourceLog #0
ScopeLogs #0
LogRecord #0
SeverityText: INFO
Body: Str(hello)
Attributes:
     -> a: Str(b)
Trace ID: 4bf92f3577b34da6a3ce929d0e0e4736
Span ID: 00f067aa0ba902b7
Flags: 0
`;

test("spans, points and records are read back with whose they are", () => {
  const resource = { "service.name": "x" };
  const traceId = "4bf92f3577b34da6a3ce929d0e0e4736";
  expect(readTold(text)).toEqual({
    spans: [
      {
        ...{ traceId, parentId: "", id: "00f067aa0ba902b7", name: "GET", kind: "Client", resource },
        attributes: { "weft.mtls": "true", "url.path": "/a: b" },
      },
    ],
    points: [
      {
        ...{
          metric: "http.client.request.duration",
          unit: "s",
          type: "Histogram",
          temporality: "Cumulative",
        },
        ...{ value: 3, attributes: { "weft.x": "y" }, resource },
      },
      {
        ...{ metric: "c", unit: "", type: "Sum", temporality: "Cumulative" },
        ...{ value: 5, attributes: {}, resource },
      },
    ],
    records: [
      {
        ...{ body: "hello", severity: "INFO", traceId, spanId: "00f067aa0ba902b7" },
        ...{ attributes: { a: "b" }, resource: {} },
      },
    ],
  });
});
