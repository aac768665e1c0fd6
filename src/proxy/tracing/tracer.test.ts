/** Which trace a request is given, what the next hop is told in which format, and what is kept of whom. */
import { describe, expect, test } from "bun:test";
import { fromBinary } from "@bufbuild/protobuf";
import type { HeaderLine } from "../../http1/index.ts";
import { HeaderFields } from "../../http2/index.ts";
import { VirtualClock } from "../../kernel/index.ts";
import { TracePropagation } from "../../model/index.ts";
import { type Span, SpanSchema } from "../../wire/otlp/index.ts";
import { Http2Request } from "../http/index.ts";
import { type HttpOutcome, Observers } from "../observation/index.ts";
import { SeriesRegistry } from "../telemetry/index.ts";
import { testTelemetry, type TelemetryParts } from "../testing/test-telemetry.ts";
import type { TracedPlace } from "./tracer.ts";
import { TraceSwitch } from "./trace-switch.ts";

const traceId = "4bf92f3577b34da6a3ce929d0e0e4736";
const spanId = "00f067aa0ba902b7";
const traceparent = `00-${traceId}-${spanId}-01`;
const { B3, B3_MULTI, NONE, W3C } = TracePropagation;

class Scene {
  readonly clock = new VirtualClock();
  readonly observers = new Observers();
  readonly spans: Span[] = [];
  readonly tracing: TraceSwitch;

  constructor(parts: TelemetryParts = {}) {
    const sink = {
      takesTraces: true,
      span: (bytes: Uint8Array) => void this.spans.push(fromBinary(SpanSchema, bytes)),
    };
    this.tracing = new TraceSwitch(this.observers, { clock: this.clock, sink });
    this.tracing.apply(testTelemetry(parts));
  }

  /** What the next hop reads, by name; removed fields are empty. */
  told(
    fields: Readonly<Record<string, string>>,
    place: TracedPlace = { direction: "inbound" },
  ): Map<string, string> {
    const lines: HeaderLine[] = [];
    const head = HeaderFields.of(Object.entries(fields));
    this.tracing.active?.begin(head, place).addLines(lines, 0);
    for (const line of lines) {
      const text = Buffer.from(line.bytes).toString("latin1");
      expect(text).toBe(line.value === "" ? "" : `${line.nameLower}: ${line.value}\r\n`);
    }
    return new Map(lines.map(({ nameLower, value }) => [nameLower, value]));
  }

  end(outcome: Partial<HttpOutcome>, head: Readonly<Record<string, string>> = {}): void {
    const request = new Http2Request(
      HeaderFields.of([
        [":method", "GET"],
        [":path", "/a?b=c"],
        [":authority", "echo"],
        ...Object.entries(head),
      ]),
      true,
    );
    const trace = this.tracing.active?.begin(request, { direction: "inbound" });
    const nowUs = this.clock.monotonicUs();
    const ended: HttpOutcome = {
      ...{ edge, rule: "", head: request, response: undefined, scheme: "http", requestId: "id", status: 200 },
      ...{ grpcStatus: undefined, reason: undefined, detail: "", peerAddress: "127.0.0.1", tries: undefined },
      ...{ requestBytes: 0, responseBytes: 0, durationUs: 5, telemetry: undefined, trace },
      times: { startUs: nowUs - 5, admittedUs: 0, firstByteUs: 0, endUs: nowUs },
      ...outcome,
    };
    this.observers.http(trace?.keepsHttp(ended) === true ? { ...ended, traceId: trace.traceId } : ended);
  }
}

const edge = new SeriesRegistry().edge({
  ...{ direction: "inbound", sourceWorkload: "shop/web-1", sourceIdentity: "", protocol: "http", mtls: true },
  ...{ destinationWorkload: "shop/cart-1", destinationIdentity: "", destinationService: "shop/cart" },
  ...{
    destinationPort: 80,
    destinationVersion: "",
    sourceVersion: "",
    sourceLocality: "",
    destinationLocality: "",
    route: "",
  },
});

describe("the next hop is told", () => {
  test("of the caller's trace, in W3C's form by default", () => {
    const told = new Scene().told({ traceparent, tracestate: "a=1" });
    expect(told.get("traceparent")).toMatch(new RegExp(`^00-${traceId}-[0-9a-f]{16}-01$`));
    expect([...told.keys()]).toEqual(["traceparent"]);
  });

  test.each([
    ["malformed", { traceparent: "00-1-2-3", tracestate: "a=1" }],
    ["named twice", { traceparent: `${traceparent}, ${traceparent}`, tracestate: "a=1" }],
  ])("of a new trace where what came is %s", (_name, fields) => {
    const told = new Scene().told(fields);
    expect(told.get("traceparent")).toMatch(/^00-[0-9a-f]{32}-[0-9a-f]{16}-0[01]$/);
    expect(told.get("tracestate")).toBe("");
  });

  test("in the format that it came in too, so that none speaks of another span", () => {
    const told = new Scene().told({ b3: `${traceId}-${spanId}-1` });
    expect(told.get("traceparent")).toContain(traceId);
    expect(told.get("b3")).toMatch(new RegExp(`^${traceId}-[0-9a-f]{16}-1$`));
    expect(told.get("b3")).toContain(told.get("traceparent")?.split("-")[2] ?? "none");
  });

  test("in B3's several fields, without what is left of the caller's", () => {
    const told = new Scene({ tracing: { propagation: [B3_MULTI] } }).told({
      ...{ "x-b3-traceid": traceId, "x-b3-spanid": spanId, "x-b3-parentspanid": spanId, "x-b3-flags": "1" },
    });
    expect(told.get("x-b3-traceid")).toBe(traceId);
    expect(told.get("x-b3-spanid")).not.toBe(spanId);
    expect(told.get("x-b3-sampled")).toBe("1");
    expect(told.get("x-b3-parentspanid")).toBe("");
    expect(told.get("x-b3-flags")).toBe("");
  });

  test("in all formats that are asked for", () => {
    const told = new Scene({ tracing: { propagation: [W3C, B3] } }).told({});
    expect([...told.keys()]).toEqual(["traceparent", "b3"]);
  });

  test("nothing where headers are to pass as they came", () => {
    expect(new Scene({ tracing: { propagation: [NONE] } }).told({ traceparent: "x" }).size).toBe(0);
  });

  test("of a decision alone, in a trace of our own", () => {
    const told = new Scene({ tracing: { samplingPpm: 0 } }).told({ b3: "1" });
    expect(told.get("b3")).toMatch(/^[0-9a-f]{32}-[0-9a-f]{16}-1$/);
  });
});

describe("a gateway", () => {
  test("that trusts no hop begins a new trace, and takes away what the client says of its own", () => {
    const told = new Scene({ tracing: { samplingPpm: 0 } }).told(
      { traceparent, tracestate: "a=1", b3: `${traceId}-${spanId}-1` },
      { direction: "outbound", traceEntry: "replaced" },
    );
    expect([...told.values()].join(" ")).not.toContain(traceId);
    expect(told.get("traceparent")).toEndWith("-00");
    expect(told.get("b3")).toEndWith("-0");
    expect(told.get("tracestate")).toBe("");
  });

  test("behind hops that it trusts goes on with theirs", () => {
    const told = new Scene().told({ traceparent }, { direction: "outbound", traceEntry: "believed" });
    expect(told.get("traceparent")).toContain(traceId);
  });
});

describe("is kept", () => {
  const none = { tracing: { samplingPpm: 0 } };

  test("what failed, by status or reason, and what was slow", () => {
    const scene = new Scene(none);
    scene.end({});
    scene.end({ status: 404 });
    expect(scene.spans).toHaveLength(0);
    scene.end({ status: 500 });
    scene.end({ reason: "client_closed" });
    scene.end({ durationUs: 1_000_001 });
    expect(scene.spans).toHaveLength(3);
  });

  test("no tunnel for its length", () => {
    const scene = new Scene(none);
    scene.end({ status: 101, durationUs: 1e9 });
    expect(scene.spans).toHaveLength(0);
  });

  test("as the route that was taken has it", () => {
    const scene = new Scene({ tracing: { samplingPpm: 0 } });
    scene.end({ telemetry: testTelemetry({ tracing: { samplingPpm: 1_000_000 } }) });
    expect(scene.spans).toHaveLength(1);
    scene.end({ status: 500, telemetry: testTelemetry({ tracing: { isEnabled: false } }) });
    expect(scene.spans).toHaveLength(1);
  });

  test("nothing after tracing was switched off, and what was begun does not fail", () => {
    const scene = new Scene();
    const other = { http() {}, tcp() {}, wantsTimes: false };
    scene.observers.set([...scene.observers.list, other]);
    expect(scene.observers.wantsTimes).toBe(true);
    scene.tracing.apply(undefined);
    expect(scene.observers.list).toEqual([other]);
    expect(scene.observers.wantsTimes).toBe(false);
    scene.end({ status: 500 });
    expect(scene.spans).toHaveLength(0);
  });
});

describe("a span of gRPC", () => {
  test("is named for its method", () => {
    const scene = new Scene();
    const fields = HeaderFields.of([
      ...([
        [":method", "POST"],
        [":path", "/shop.Cart/Add"],
        [":authority", "cart"],
      ] as const),
      ["content-type", "application/grpc"],
    ]);
    scene.end({ head: new Http2Request(fields, false), status: 503, grpcStatus: 14 });
    const [span] = scene.spans;
    expect(span?.name).toBe("shop.Cart/Add");
    const attributes = new Map(span?.attributes.map(({ key, value }) => [key, value?.value.value]));
    expect(attributes.get("rpc.system")).toBe("grpc");
    expect(attributes.get("rpc.service")).toBe("shop.Cart");
    expect(attributes.get("rpc.method")).toBe("Add");
    expect(attributes.get("rpc.grpc.status_code")).toBe(14n);
    expect(attributes.get("error.type")).toBe("UNAVAILABLE");
  });
});

test("a path that a policy has a template for is told as that", () => {
  const scene = new Scene({
    tracing: { samplingPpm: 1_000_000 },
    redaction: { path: () => "/{id}", query: () => "b=*" },
  });
  scene.end({});
  const [span] = scene.spans;
  expect(span?.name).toBe("GET /{id}");
  const attributes = new Map(span?.attributes.map(({ key, value }) => [key, value?.value.value]));
  expect(attributes.get("url.path")).toBe("/{id}");
  expect(attributes.get("http.route")).toBe("/{id}");
  expect(attributes.get("url.query")).toBe("b=*");
});
