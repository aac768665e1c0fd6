/** What all spans have in common: ids, kind, flags, times and who talked with whom. */
import { create } from "@bufbuild/protobuf";
import { type Span, SpanEventSchema, type SpanKind, SpanSchema, StatusCode } from "../../wire/otlp/index.ts";
import { Attributes } from "../otlp/attributes.ts";
import type { PolicyNames } from "../observation/index.ts";
import type { EdgeSeries } from "../telemetry/index.ts";
import type { Trace } from "./trace.ts";
import type { WallClock } from "./wall-clock.ts";

export interface SpanHead {
  readonly spanId: string;
  /** Empty: none. */
  readonly parentSpanId: string;
  /** The parent is a span of another process. */
  readonly isParentRemote: boolean;
  readonly name: string;
  readonly kind: SpanKind;
  /** Monotonic. */
  readonly startUs: number;
  readonly endUs: number;
}

const sampledFlag = 0x01;
const knowsRemoteFlag = 0x100;
const isRemoteFlag = 0x200;
/** A request that is tried again without end has no more than these. */
const maxEvents = 32;

export class SpanBuilder {
  readonly attributes = new Attributes();
  readonly #trace: Trace;
  readonly #wall: WallClock;
  readonly #span: Span;

  constructor(trace: Trace, wall: WallClock, head: SpanHead) {
    this.#trace = trace;
    this.#wall = wall;
    this.#span = create(SpanSchema, {
      traceId: Buffer.from(trace.traceId, "hex"),
      spanId: Buffer.from(head.spanId, "hex"),
      parentSpanId: Buffer.from(head.parentSpanId, "hex"),
      traceState: trace.context.traceState,
      name: head.name,
      kind: head.kind,
      startTimeUnixNano: wall.unixNanos(head.startUs),
      endTimeUnixNano: wall.unixNanos(Math.max(head.startUs, head.endUs)),
      flags: this.#flags(head.isParentRemote),
    });
  }

  event(name: string, atUs: number, attributes = new Attributes()): void {
    if (this.#span.events.length >= maxEvents) {
      this.#span.droppedEventsCount++;
      return;
    }
    this.#span.events.push(
      create(SpanEventSchema, {
        name,
        timeUnixNano: this.#wall.unixNanos(atUs),
        attributes: attributes.list,
      }),
    );
  }

  /** `type` undefined: it is none. */
  error(type: string | undefined, detail = ""): void {
    if (type === undefined) return;
    this.attributes.add("error.type", type).add("weft.detail", detail);
    this.#span.status = {
      $typeName: "opentelemetry.proto.trace.v1.Status",
      code: StatusCode.ERROR,
      message: "",
    };
  }

  edge({ labels }: EdgeSeries): void {
    this.attributes
      .add("weft.direction", labels.direction)
      .add("weft.source.workload", labels.sourceWorkload)
      .add("weft.source.identity", labels.sourceIdentity)
      .add("weft.destination.workload", labels.destinationWorkload)
      .add("weft.destination.identity", labels.destinationIdentity)
      .add("weft.destination.service", labels.destinationService)
      .add("weft.destination.version", labels.destinationVersion)
      .add("weft.route", labels.route)
      .add("weft.mtls", labels.mtls);
  }

  policy(names: PolicyNames | undefined): void {
    if (names === undefined) return;
    this.attributes
      .add("weft.policy", names.policy)
      .add("weft.policy.rule", names.policyRule)
      .add("weft.policy.verdict", names.policyVerdict);
  }

  finish(): Span {
    this.#span.attributes = this.attributes.list;
    return this.#span;
  }

  #flags(isParentRemote: boolean): number {
    const sampled = this.#trace.isSampled ? sampledFlag : 0;
    return sampled | knowsRemoteFlag | (isParentRemote ? isRemoteFlag : 0);
  }
}
