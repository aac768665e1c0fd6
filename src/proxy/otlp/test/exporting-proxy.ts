/** What an exporter gets of a proxy, with a cluster that leads to a receiver on this machine's loopback, over real sockets. */
import { create, toBinary } from "@bufbuild/protobuf";
import { type Clock, type Log, silentLog, systemClock } from "../../../kernel/index.ts";
import { type Collector, MeshSchema, Protocol } from "../../../model/index.ts";
import { TimerWheel } from "../../../net/index.ts";
import { SpanSchema } from "../../../wire/otlp/index.ts";
import { type MetricFamily, SeriesRegistry } from "../../telemetry/index.ts";
import { collectorModel } from "../../testing/collector.ts";
import { defaultCodecs } from "../../testing/default-codecs.ts";
import { fakeSnapshot } from "../../testing/fake-agent.ts";
import { HopDialer, Upstreams } from "../../upstream/index.ts";
import { ExportCounters } from "../export-counters.ts";
import { type ExportContext, OtlpExporter } from "../otlp-exporter.ts";

export class ExportingProxy {
  readonly counters = new ExportCounters();
  readonly warnings: string[] = [];
  readonly series = new SeriesRegistry();
  readonly exporter: OtlpExporter;
  readonly #upstreams: Upstreams;
  readonly #wheel: TimerWheel;

  /** `clock`: of the exporter's own waits; connections keep the real one. */
  constructor(port: number, options: { readonly clock?: Clock; readonly protocol?: Protocol } = {}) {
    const { clock = systemClock, protocol = Protocol.GRPC } = options;
    const identity = { certChainPem: "", privateKeyPem: "", trustRootsPem: "" };
    const dialer = new HopDialer({
      identity: () => identity,
      sourceWorkload: "shop/cart-1",
      mark: undefined,
      limits: defaultCodecs(),
    });
    this.#wheel = new TimerWheel(systemClock, 10, 64);
    this.#upstreams = new Upstreams(dialer, systemClock, "client");
    this.#upstreams.applySnapshot(
      fakeSnapshot({ mesh: create(MeshSchema, {}), ...collectorModel(port, protocol) }),
    );
    const log: Log = {
      ...silentLog,
      warn: (message, fields) => void this.warnings.push(`${message}: ${String(fields?.["detail"])}`),
    };
    const context: ExportContext = {
      ...{ clock, wheel: this.#wheel, random: () => 0, log, counters: this.counters },
      place: {
        role: "sidecar",
        namespace: "shop",
        name: "cart-1",
        version: "2",
        labels: { "app.kubernetes.io/name": "cart" },
      },
      cluster: (key) => this.#upstreams.cluster(key),
      metrics: () => ({ series: this.series, families: this.families }),
    };
    this.exporter = new OtlpExporter(context);
  }

  get families(): readonly MetricFamily[] {
    return this.counters.families;
  }

  apply(...collectors: readonly Collector[]): this {
    this.exporter.apply(collectors);
    return this;
  }

  spans(count: number, name = "GET"): void {
    const encoded = encodedSpan(name);
    for (let i = 0; i < count; i++) this.exporter.span(encoded);
  }

  /** "traces refused 3" and the like. */
  get counts(): string[] {
    return this.families.flatMap((family) =>
      [...family.samples()]
        .filter(({ value }) => value > 0)
        .map(({ labels, value }) => [...Object.values(labels), family.name.split("_")[2], value].join(" ")),
    );
  }

  [Symbol.dispose](): void {
    this.exporter.close();
    this.#upstreams.close();
    this.#wheel.close();
  }
}

function encodedSpan(name: string): Uint8Array {
  return toBinary(
    SpanSchema,
    create(SpanSchema, {
      traceId: Buffer.alloc(16, 1),
      spanId: Buffer.alloc(8, 2),
      name,
      startTimeUnixNano: 1n,
      endTimeUnixNano: 2n,
    }),
  );
}
