/** All collectors of one proxy, by the newest configuration. What did not change keeps what waits in it. */
import { toBinary } from "@bufbuild/protobuf";
import type { Log, Timer } from "../../kernel/index.ts";
import { type Collector, CollectorSchema } from "../../model/index.ts";
import { type DeliveryContext, deliveryTo } from "./delivery.ts";
import type { ExportCounters } from "./export-counters.ts";
import { encodeResource } from "./export-request.ts";
import { encodeLogRecord, type LogParts } from "./log-record.ts";
import { encodeMetricItems, type MetricSource } from "./metric-items.ts";
import { type ProxyPlace, resourceAttributes } from "./resource-attributes.ts";
import { SignalExporter } from "./signal-exporter.ts";
import { type SignalName, signals } from "./signals.ts";

export interface ExportContext extends DeliveryContext {
  readonly log: Log;
  readonly counters: ExportCounters;
  readonly place: ProxyPlace;
  /** Read when metrics are due. */
  metrics(): MetricSource;
}

/** Where a Collector says nothing. */
const defaultMetricsIntervalMs = 60_000;

/** One collector, by what its configuration says. */
interface Destination {
  readonly traces: SignalExporter | undefined;
  readonly metrics: SignalExporter | undefined;
  readonly logs: SignalExporter | undefined;
  readonly metricsIntervalMs: number;
  timer: Timer | undefined;
}

export class OtlpExporter {
  readonly #context: ExportContext;
  readonly #resource: Uint8Array;
  readonly #startMs: number;
  #destinations: ReadonlyMap<string, Destination> = new Map();
  #traces: readonly SignalExporter[] = [];
  #logs: readonly SignalExporter[] = [];

  constructor(context: ExportContext) {
    this.#context = context;
    this.#resource = encodeResource(resourceAttributes(context.place));
    this.#startMs = context.clock.nowMs();
  }

  get takesTraces(): boolean {
    return this.#traces.length > 0;
  }

  get takesLogs(): boolean {
    return this.#logs.length > 0;
  }

  /** `collectors`: those of the proxy's base configuration. */
  apply(collectors: readonly Collector[]): void {
    const before = this.#destinations;
    const next = new Map<string, Destination>();
    for (const collector of collectors) {
      const key = Buffer.from(toBinary(CollectorSchema, collector)).toString("base64");
      const destination = next.get(key) ?? before.get(key) ?? this.#open(collector);
      next.set(key, destination);
    }
    this.#destinations = next;
    const all = [...next.values()];
    this.#traces = all.flatMap(({ traces }) => traces ?? []);
    this.#logs = all.flatMap(({ logs }) => logs ?? []);
    for (const [key, destination] of before) if (!next.has(key)) close(destination);
  }

  /** An encoded `Span`. Its bytes must not change afterwards. */
  span(encoded: Uint8Array): void {
    for (const exporter of this.#traces) exporter.add(encoded);
  }

  log(parts: LogParts): void {
    if (!this.takesLogs) return;
    const encoded = encodeLogRecord(parts);
    for (const exporter of this.#logs) exporter.add(encoded);
  }

  /** The newest figures, to every collector that takes metrics. */
  sendMetrics(): void {
    for (const { metrics } of this.#destinations.values()) if (metrics !== undefined) this.#measure(metrics);
  }

  /** Sends what there is, the newest figures too. Resolves when all has been told or dropped, at the latest after `timeoutMs`. */
  async flush(timeoutMs: number): Promise<void> {
    this.sendMetrics();
    const sent = [...this.#destinations.values()].flatMap((each) =>
      exportersOf(each).map((one) => one.flush()),
    );
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = this.#context.clock.after(timeoutMs, resolve);
    await Promise.race([promise, Promise.all(sent)]);
    timer.cancel();
  }

  close(): void {
    for (const destination of this.#destinations.values()) close(destination);
    this.#destinations = new Map();
    this.#traces = [];
    this.#logs = [];
  }

  #open(collector: Collector): Destination {
    const { counters, clock, random, log } = this.#context;
    const deliver = deliveryTo(collector, this.#context);
    const exporter = (name: SignalName): SignalExporter =>
      new SignalExporter({
        signal: signals[name],
        collector: collector.cluster,
        deliver,
        resource: this.#resource,
        ...{ counters, clock, random, log },
      });
    const destination: Destination = {
      traces: collector.traces ? exporter("traces") : undefined,
      metrics: collector.metrics ? exporter("metrics") : undefined,
      logs: collector.logs ? exporter("logs") : undefined,
      metricsIntervalMs: collector.metricsIntervalMs || defaultMetricsIntervalMs,
      timer: undefined,
    };
    this.#schedule(destination);
    return destination;
  }

  #schedule(destination: Destination): void {
    const { metrics, metricsIntervalMs } = destination;
    if (metrics === undefined) return;
    destination.timer = this.#context.clock.after(metricsIntervalMs, () => {
      this.#measure(metrics);
      this.#schedule(destination);
    });
  }

  #measure(exporter: SignalExporter): void {
    const period = { startNs: nanos(this.#startMs), endNs: nanos(this.#context.clock.nowMs()) };
    for (const item of encodeMetricItems(this.#context.metrics(), period)) exporter.add(item);
  }
}

function exportersOf({ traces, metrics, logs }: Destination): SignalExporter[] {
  return [traces, metrics, logs].filter((each) => each !== undefined);
}

function nanos(ms: number): bigint {
  return BigInt(Math.round(ms)) * 1_000_000n;
}

function close(destination: Destination): void {
  destination.timer?.cancel();
  for (const exporter of exportersOf(destination)) exporter.close();
}
