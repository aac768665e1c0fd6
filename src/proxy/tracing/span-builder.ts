/**
 * What all spans have in common (ids, kind, flags, times, who talked with whom), written in OTLP's form:
 * opentelemetry.proto.trace.v1.Span.
 */
import { BinaryWriter, WireType } from "@bufbuild/protobuf/wire";
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
  readonly kind: keyof typeof kinds;
  /** Monotonic. */
  readonly startUs: number;
  readonly endUs: number;
}

/** Of SpanKind. */
const kinds = { server: 2, client: 3 } as const;
/** Of StatusCode. */
const errorCode = 2;
const sampledFlag = 0x01;
const knowsRemoteFlag = 0x100;
const isRemoteFlag = 0x200;
/** A request that is tried again without end has no more than these. */
const maxEvents = 32;

interface SpanEvent {
  readonly name: string;
  readonly atUs: number;
  readonly attributes: Attributes;
}

export class SpanBuilder {
  readonly attributes = new Attributes();
  readonly #trace: Trace;
  readonly #wall: WallClock;
  readonly #head: SpanHead;
  readonly #events: SpanEvent[] = [];
  #droppedEvents = 0;
  #isError = false;

  constructor(trace: Trace, wall: WallClock, head: SpanHead) {
    this.#trace = trace;
    this.#wall = wall;
    this.#head = head;
  }

  event(name: string, atUs: number, attributes = new Attributes()): void {
    if (this.#events.length >= maxEvents) this.#droppedEvents++;
    else this.#events.push({ name, atUs, attributes });
  }

  /** `type` undefined: it is none. */
  error(type: string | undefined, detail = ""): void {
    if (type === undefined) return;
    this.attributes.add("error.type", type).add("weft.detail", detail);
    this.#isError = true;
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

  encode(): Uint8Array {
    const { spanId, parentSpanId, isParentRemote, name, kind, startUs, endUs } = this.#head;
    const { traceId, isSampled, context } = this.#trace;
    const writer = new BinaryWriter();
    writer.tag(1, WireType.LengthDelimited).bytes(Buffer.from(traceId, "hex"));
    writer.tag(2, WireType.LengthDelimited).bytes(Buffer.from(spanId, "hex"));
    if (context.traceState !== "") writer.tag(3, WireType.LengthDelimited).string(context.traceState);
    if (parentSpanId !== "") writer.tag(4, WireType.LengthDelimited).bytes(Buffer.from(parentSpanId, "hex"));
    writer.tag(5, WireType.LengthDelimited).string(name);
    writer.tag(6, WireType.Varint).int32(kinds[kind]);
    writer.tag(7, WireType.Bit64).fixed64(this.#wall.unixNanos(startUs));
    writer.tag(8, WireType.Bit64).fixed64(this.#wall.unixNanos(Math.max(startUs, endUs)));
    this.attributes.write(writer, 9);
    for (const event of this.#events) {
      writer.tag(11, WireType.LengthDelimited).fork();
      writer.tag(1, WireType.Bit64).fixed64(this.#wall.unixNanos(event.atUs));
      writer.tag(2, WireType.LengthDelimited).string(event.name);
      event.attributes.write(writer, 3);
      writer.join();
    }
    if (this.#droppedEvents > 0) writer.tag(12, WireType.Varint).uint32(this.#droppedEvents);
    if (this.#isError) {
      writer.tag(15, WireType.LengthDelimited).fork();
      writer.tag(3, WireType.Varint).int32(errorCode);
      writer.join();
    }
    const sampled = isSampled ? sampledFlag : 0;
    writer.tag(16, WireType.Bit32).fixed32(sampled | knowsRemoteFlag | (isParentRemote ? isRemoteFlag : 0));
    return writer.finish();
  }
}
