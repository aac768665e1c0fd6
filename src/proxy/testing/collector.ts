/** A collector of OTLP in grpc-js, from the .proto files themselves: it answers as it is told and keeps what it was sent. */
import { join } from "node:path";
import { create } from "@bufbuild/protobuf";
import * as grpc from "@grpc/grpc-js";
import * as loader from "@grpc/proto-loader";
import {
  type Cluster,
  ClusterSchema,
  type Collector,
  CollectorProtocol,
  CollectorSchema,
  type Endpoint,
  EndpointSchema,
  Health,
  Protocol,
  Tunnel,
} from "../../model/index.ts";

const root = join(import.meta.dir, "../../..");
const collectorFile = (signal: string): string =>
  join(root, `proto/opentelemetry/proto/collector/${signal}/v1/${signal}_service.proto`);
const definition = loader.loadSync(["trace", "metrics", "logs"].map(collectorFile), {
  keepCase: true,
  longs: String,
  enums: Number,
  defaults: false,
  oneofs: true,
  includeDirs: [join(root, "proto")],
});

interface AnyValue {
  readonly string_value?: string;
  readonly int_value?: string;
  readonly bool_value?: boolean;
  readonly double_value?: number;
}

interface Field {
  readonly key: string;
  readonly value: AnyValue;
}

interface RawEvent {
  readonly name: string;
  readonly attributes?: readonly Field[];
}

interface RawSpan {
  readonly trace_id: Buffer;
  readonly span_id: Buffer;
  readonly parent_span_id?: Buffer;
  readonly trace_state?: string;
  readonly name: string;
  readonly kind: number;
  readonly start_time_unix_nano: string;
  readonly end_time_unix_nano: string;
  readonly attributes?: readonly Field[];
  readonly events?: readonly RawEvent[];
  readonly status?: { readonly code?: number };
  readonly flags?: number;
}

type Values = Readonly<Record<string, string | number | boolean | undefined>>;

export interface ReceivedSpan {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId: string;
  readonly traceState: string;
  readonly name: string;
  readonly kind: "internal" | "server" | "client";
  readonly startNanos: bigint;
  readonly endNanos: bigint;
  readonly attributes: Values;
  readonly events: readonly { readonly name: string; readonly attributes: Values }[];
  readonly isError: boolean;
  readonly flags: number;
  readonly resource: Values;
}

export interface ExportRequest {
  readonly resource_spans?: readonly {
    readonly resource: { readonly attributes: readonly Field[] };
    readonly scope_spans: readonly { readonly spans: readonly RawSpan[] }[];
  }[];
  readonly resource_metrics?: readonly {
    readonly scope_metrics: readonly { readonly metrics: readonly Readonly<Record<string, unknown>>[] }[];
  }[];
  readonly resource_logs?: readonly {
    readonly scope_logs: readonly { readonly log_records: readonly Readonly<Record<string, unknown>>[] }[];
  }[];
}

/** An answer's message, an error, or nothing at all. */
export type CollectorAnswer = Readonly<Record<string, unknown>> | Partial<grpc.ServiceError> | "silence";

const collectorKey = "observability/collector:4317";

export class TestCollector {
  readonly requests: ExportRequest[] = [];
  readonly metadata: grpc.Metadata[] = [];
  port = 0;
  readonly #server = new grpc.Server();
  /** Of the n-th request, from 1. */
  answer: (request: number) => CollectorAnswer;

  private constructor(answer: (request: number) => CollectorAnswer) {
    this.answer = answer;
  }

  static async start(answer: (request: number) => CollectorAnswer = () => ({})): Promise<TestCollector> {
    const own = new TestCollector(answer);
    for (const [signal, name] of [
      ["trace", "Trace"],
      ["metrics", "Metrics"],
      ["logs", "Logs"],
    ]) {
      const service = definition[`opentelemetry.proto.collector.${signal}.v1.${name}Service`];
      if (service === undefined || "format" in service) throw new Error("the file has no such service");
      own.#server.addService(service, { Export: own.#export });
    }
    own.port = await new Promise<number>((resolve, reject) => {
      own.#server.bindAsync("127.0.0.1:0", grpc.ServerCredentials.createInsecure(), (error, port) => {
        if (error === null) resolve(port);
        else reject(error);
      });
    });
    return own;
  }

  readonly #export: grpc.handleUnaryCall<ExportRequest, CollectorAnswer> = (call, done) => {
    this.requests.push(call.request);
    this.metadata.push(call.metadata);
    const answer = this.answer(this.requests.length);
    if (answer === "silence") return;
    if ("code" in answer) done(answer);
    else done(null, answer);
  };

  get spans(): ReceivedSpan[] {
    return this.requests.flatMap(({ resource_spans = [] }) =>
      resource_spans.flatMap(({ resource, scope_spans }) =>
        scope_spans.flatMap(({ spans }) => spans.map((span) => received(span, values(resource.attributes)))),
      ),
    );
  }

  /** How proxies know it. */
  get model(): { readonly clusters: readonly Cluster[]; readonly endpoints: readonly Endpoint[] } {
    return collectorModel(this.port);
  }

  [Symbol.dispose](): void {
    this.#server.forceShutdown();
  }
}

/** One that listens at a port of this machine. */
export function collectorModel(
  port: number,
  protocol = Protocol.GRPC,
): { readonly clusters: readonly Cluster[]; readonly endpoints: readonly Endpoint[] } {
  const [namespace = "", service = ""] = collectorKey.split(/[/:]/);
  const cluster = create(ClusterSchema, {
    ...{ namespace, service, port: 4317, protocol },
    connectTimeoutMs: 1_000,
  });
  const endpoint = create(EndpointSchema, {
    cluster: collectorKey,
    workload: "observability/collector-1",
    address: "127.0.0.1",
    port,
    tunnel: Tunnel.NONE,
    weight: 1,
    health: Health.HEALTHY,
  });
  return { clusters: [cluster], endpoints: [endpoint] };
}

export function testCollector(init: Partial<Omit<Collector, "$typeName">> = {}): Collector {
  const collector = create(CollectorSchema, {
    cluster: collectorKey,
    protocol: CollectorProtocol.GRPC,
    traces: true,
  });
  return Object.assign(collector, init);
}

const kinds = ["internal", "internal", "server", "client"] as const;

function received(span: RawSpan, resource: Values): ReceivedSpan {
  return {
    traceId: span.trace_id.toString("hex"),
    spanId: span.span_id.toString("hex"),
    parentSpanId: span.parent_span_id?.toString("hex") ?? "",
    traceState: span.trace_state ?? "",
    name: span.name,
    kind: kinds[span.kind] ?? "internal",
    startNanos: BigInt(span.start_time_unix_nano),
    endNanos: BigInt(span.end_time_unix_nano),
    attributes: values(span.attributes),
    events: (span.events ?? []).map(({ name, attributes }) => ({ name, attributes: values(attributes) })),
    isError: span.status?.code === 2,
    flags: span.flags ?? 0,
    resource,
  };
}

function values(fields: readonly Field[] = []): Values {
  return Object.fromEntries(
    fields.map(({ key, value }) => [
      key,
      value.string_value ??
        value.bool_value ??
        value.double_value ??
        (value.int_value === undefined ? undefined : Number(value.int_value)),
    ]),
  );
}
