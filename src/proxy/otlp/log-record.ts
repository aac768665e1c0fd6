/** One record of a log in OTLP's form: opentelemetry.proto.logs.v1.LogRecord. */
import { BinaryWriter, WireType } from "@bufbuild/protobuf/wire";
import { Attributes, type AttributeValue, writeAnyValue } from "./attributes.ts";

export interface LogParts {
  /** Unix time. */
  readonly timeMs: number;
  readonly severity: "info" | "warn" | "error";
  /** Names the record's kind, such as "weft.access"; empty: it has none. */
  readonly eventName: string;
  readonly body: string;
  /** Empty texts are left out. */
  readonly attributes: Readonly<Record<string, AttributeValue | undefined>>;
  /** 32 hexadecimal digits; undefined: it belongs to no trace. */
  readonly traceId?: string | undefined;
  /** 16 hexadecimal digits. */
  readonly spanId?: string | undefined;
}

/** Of SeverityNumber. */
const severities = { info: 9, warn: 13, error: 17 } as const;

const nsPerMs = 1_000_000n;

export function encodeLogRecord(parts: LogParts): Uint8Array {
  const { severity, eventName, body, attributes, traceId, spanId } = parts;
  const timeNs = BigInt(Math.round(parts.timeMs)) * nsPerMs;
  const writer = new BinaryWriter();
  writer.tag(1, WireType.Bit64).fixed64(timeNs);
  writer.tag(2, WireType.Varint).int32(severities[severity]);
  writer.tag(3, WireType.LengthDelimited).string(severity.toUpperCase());
  writeAnyValue(writer, 5, body);
  new Attributes().addAll(attributes).write(writer, 6);
  if (traceId !== undefined) writer.tag(9, WireType.LengthDelimited).bytes(Buffer.from(traceId, "hex"));
  if (spanId !== undefined) writer.tag(10, WireType.LengthDelimited).bytes(Buffer.from(spanId, "hex"));
  writer.tag(11, WireType.Bit64).fixed64(timeNs);
  if (eventName !== "") writer.tag(12, WireType.LengthDelimited).string(eventName);
  return writer.finish();
}
