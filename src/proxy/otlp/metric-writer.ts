/** Metrics in OTLP's form: opentelemetry.proto.metrics.v1.Metric, cumulative since the proxy's start. */
import { BinaryWriter, WireType } from "@bufbuild/protobuf/wire";
import type { Attributes } from "./attributes.ts";

export interface MetricHead {
  readonly name: string;
  readonly description: string;
  /** Of UCUM; empty: none. */
  readonly unit: string;
}

/** Unix time in nanoseconds. */
export interface Period {
  readonly startNs: bigint;
  readonly endNs: bigint;
}

export interface NumberPoint {
  readonly attributes: Attributes;
  readonly value: number;
}

export interface HistogramPoint {
  readonly attributes: Attributes;
  readonly count: number;
  readonly sum: number;
  /** Not cumulative; one more than there are bounds. */
  readonly buckets: ArrayLike<number>;
}

const cumulative = 2;
const field = { gauge: 5, sum: 7, histogram: 9 } as const;

export function encodeNumbers(
  kind: "gauge" | "sum",
  head: MetricHead,
  points: readonly NumberPoint[],
  period: Period,
): Uint8Array {
  return encodeMetric(head, field[kind], (writer) => {
    for (const { attributes, value } of points) {
      writer.tag(1, WireType.LengthDelimited).fork();
      writePeriod(writer, period);
      if (Number.isSafeInteger(value)) writer.tag(6, WireType.Bit64).sfixed64(value);
      else writer.tag(4, WireType.Bit64).double(value);
      attributes.write(writer, 7);
      writer.join();
    }
    if (kind === "gauge") return;
    writer.tag(2, WireType.Varint).int32(cumulative);
    writer.tag(3, WireType.Varint).bool(true);
  });
}

/** `bounds`: upper ones, of all buckets but the last. */
export function encodeHistogram(
  head: MetricHead,
  bounds: readonly number[],
  points: readonly HistogramPoint[],
  period: Period,
): Uint8Array {
  return encodeMetric(head, field.histogram, (writer) => {
    for (const point of points) {
      writer.tag(1, WireType.LengthDelimited).fork();
      writePeriod(writer, period);
      writer.tag(4, WireType.Bit64).fixed64(point.count);
      writer.tag(5, WireType.Bit64).double(point.sum);
      writer.tag(6, WireType.LengthDelimited).fork();
      for (let i = 0; i <= bounds.length; i++) writer.fixed64(point.buckets[i] ?? 0);
      writer.join();
      writer.tag(7, WireType.LengthDelimited).fork();
      for (const bound of bounds) writer.double(bound);
      writer.join();
      point.attributes.write(writer, 9);
      writer.join();
    }
    writer.tag(2, WireType.Varint).int32(cumulative);
  });
}

function encodeMetric(
  { name, description, unit }: MetricHead,
  dataField: number,
  write: (writer: BinaryWriter) => void,
): Uint8Array {
  const writer = new BinaryWriter();
  writer.tag(1, WireType.LengthDelimited).string(name);
  writer.tag(2, WireType.LengthDelimited).string(description);
  if (unit !== "") writer.tag(3, WireType.LengthDelimited).string(unit);
  writer.tag(dataField, WireType.LengthDelimited).fork();
  write(writer);
  return writer.join().finish();
}

function writePeriod(writer: BinaryWriter, { startNs, endNs }: Period): void {
  writer.tag(2, WireType.Bit64).fixed64(startNs);
  writer.tag(3, WireType.Bit64).fixed64(endNs);
}
