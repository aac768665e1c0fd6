/**
 * Gives every exchange its place in a trace, decides what is kept, and makes spans of that when it has ended. Loaded where
 * tracing is on; what it costs the way of a request is ids and the lines that tell them.
 */
import type { PreparedTelemetry, TelemetryFacts } from "../../decide/telemetry/index.ts";
import type { Clock } from "../../kernel/index.ts";
import { TracePropagation } from "../../model/index.ts";
import type { HttpOutcome, TcpOutcome, TrafficObserver } from "../observation/index.ts";
import { httpSpans } from "./http-spans.ts";
import { parseTraceparent } from "./parent-context.ts";
import { formats, type HeadFields, readContext, type ReadContext } from "./read-context.ts";
import { isKeptAtEnd, isSampledAtHead } from "./sampling.ts";
import { tcpSpan } from "./tcp-span.ts";
import { Trace, type TraceOwner, type TraceSide } from "./trace.ts";
import { TraceIds } from "./trace-ids.ts";
import { WallClock } from "./wall-clock.ts";

/** Where a request, or a connection, was taken. */
export interface TracedPlace {
  readonly direction: "outbound" | "inbound";
  /** Of a gateway: whether what clients say of their trace is believed. Absent: no gateway's, and it is. */
  readonly traceEntry?: "believed" | "replaced" | undefined;
}

export type FactsOf = (outcome: HttpOutcome | TcpOutcome) => TelemetryFacts;

/** Takes encoded spans. */
export interface SpanSink {
  readonly takesTraces: boolean;
  span(encoded: Uint8Array): void;
}

export interface TracerParts {
  readonly clock: Clock;
  readonly sink: SpanSink;
  /** Absent: from the system. */
  readonly ids?: TraceIds;
}

export class Tracer implements TrafficObserver, TraceOwner {
  readonly wantsTimes = true;
  readonly #clock: Clock;
  readonly #sink: SpanSink;
  readonly #ids: TraceIds;
  readonly #wall: WallClock;
  #base: PreparedTelemetry;
  #factsOf: FactsOf | undefined;
  /** Undefined: heads pass as they came. */
  #formats: number | undefined;

  constructor(
    { clock, sink, ids = new TraceIds() }: TracerParts,
    base: PreparedTelemetry,
    factsOf?: FactsOf,
  ) {
    this.#clock = clock;
    this.#sink = sink;
    this.#ids = ids;
    this.#wall = new WallClock(clock);
    this.#base = base;
    this.#factsOf = factsOf;
    this.#formats = writtenFormats(base);
  }

  /** The workload's, or the gateway's. For what begins from now on; routes have their own say at the end. */
  apply(base: PreparedTelemetry, factsOf: FactsOf | undefined): void {
    this.#base = base;
    this.#factsOf = factsOf;
    this.#formats = writtenFormats(base);
  }

  /** Of a request whose head has come. */
  begin(head: HeadFields, { direction, traceEntry }: TracedPlace): Trace {
    const context = readContext(head, traceEntry !== "replaced");
    const side = traceEntry === undefined ? (direction === "inbound" ? "server" : "client") : "edge";
    return this.#trace(side, context);
  }

  /** Of a raw connection. `traceparent`: of its preface; empty: none, or one that is not believed. */
  connection(side: TraceSide, traceparent: string): Trace {
    const parent = traceparent === "" ? undefined : parseTraceparent(traceparent);
    return this.#trace(side, { parent, present: 0, traceState: "", hasStrayState: false });
  }

  newSpanId(): string {
    return this.#ids.span();
  }

  keepsHttp(trace: Trace, outcome: HttpOutcome): boolean {
    const { status, reason, tries, head } = outcome;
    const isTunnel = status === 101 || head?.method === "CONNECT";
    const isFailed = status >= 500 || reason !== undefined || (tries !== undefined && tries.count > 1);
    const durationUs = isTunnel ? 0 : outcome.durationUs;
    return this.#keeps(trace, outcome.telemetry, { isFailed, durationUs });
  }

  /** How long a connection is open says nothing. */
  keepsTcp(trace: Trace, outcome: TcpOutcome): boolean {
    return this.#keeps(trace, outcome.telemetry, { isFailed: outcome.reason !== undefined, durationUs: 0 });
  }

  http(outcome: HttpOutcome): void {
    const { trace, traceId } = outcome;
    if (traceId === undefined || !(trace instanceof Trace) || !this.#sink.takesTraces) return;
    const settings = outcome.telemetry ?? this.#base;
    this.#wall.refresh();
    const spans = httpSpans({
      ...{ trace, outcome, settings, wall: this.#wall },
      facts: this.#factsFor(settings, outcome),
    });
    for (const span of spans) this.#sink.span(span);
  }

  tcp(outcome: TcpOutcome): void {
    const { trace, traceId } = outcome;
    if (traceId === undefined || !(trace instanceof Trace) || !this.#sink.takesTraces) return;
    const settings = outcome.telemetry ?? this.#base;
    this.#wall.refresh();
    const endUs = this.#clock.monotonicUs();
    const facts = this.#factsFor(settings, outcome);
    this.#sink.span(tcpSpan({ trace, outcome, settings, wall: this.#wall, endUs, facts }));
  }

  #trace(side: TraceSide, context: ReadContext): Trace {
    const { parent, present } = context;
    const traceId = parent?.traceId || this.#ids.trace();
    return new Trace(this, {
      side,
      traceId,
      isSampled: isSampledAtHead(this.#base.tracing, traceId, parent?.isSampled),
      context,
      written: this.#formats === undefined ? 0 : this.#formats | present,
    });
  }

  /** A route may keep more or less than the head was decided by. */
  #keeps(
    trace: Trace,
    ofRoute: PreparedTelemetry | undefined,
    end: { readonly isFailed: boolean; readonly durationUs: number },
  ): boolean {
    const { tracing } = ofRoute ?? this.#base;
    const isSampled =
      tracing === this.#base.tracing
        ? trace.isSampled
        : isSampledAtHead(tracing, trace.traceId, trace.context.parent?.isSampled);
    return isKeptAtEnd(tracing, isSampled, end);
  }

  #factsFor(settings: PreparedTelemetry, outcome: HttpOutcome | TcpOutcome): TelemetryFacts | undefined {
    return settings.tracing.attributes.length === 0 ? undefined : this.#factsOf?.(outcome);
  }
}

function writtenFormats({ tracing: { propagation } }: PreparedTelemetry): number | undefined {
  if (propagation.includes(TracePropagation.NONE)) return undefined;
  let written = 0;
  for (const each of propagation) written |= formatOf(each);
  return written === 0 ? formats.w3c : written;
}

function formatOf(propagation: TracePropagation): number {
  switch (propagation) {
    case TracePropagation.B3:
      return formats.b3;
    case TracePropagation.B3_MULTI:
      return formats.b3Multi;
    case TracePropagation.NONE:
      return 0;
    case TracePropagation.UNSPECIFIED:
    case TracePropagation.W3C:
      return formats.w3c;
  }
}
