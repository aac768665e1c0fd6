/** One record of a log in OTLP's form. */
import { create, toBinary } from "@bufbuild/protobuf";
import { LogRecordSchema, SeverityNumber } from "../../wire/otlp/index.ts";
import { anyValue, Attributes, type AttributeValue } from "./attributes.ts";

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

const severities = {
  info: SeverityNumber.INFO,
  warn: SeverityNumber.WARN,
  error: SeverityNumber.ERROR,
} as const;

const nsPerMs = 1_000_000n;

export function encodeLogRecord(parts: LogParts): Uint8Array {
  const attributes = new Attributes();
  for (const [key, value] of Object.entries(parts.attributes)) attributes.add(key, value);
  const timeUnixNano = BigInt(Math.round(parts.timeMs)) * nsPerMs;
  return toBinary(
    LogRecordSchema,
    create(LogRecordSchema, {
      timeUnixNano,
      observedTimeUnixNano: timeUnixNano,
      severityNumber: severities[parts.severity],
      severityText: parts.severity.toUpperCase(),
      eventName: parts.eventName,
      body: anyValue(parts.body),
      attributes: attributes.list,
      traceId: Buffer.from(parts.traceId ?? "", "hex"),
      spanId: Buffer.from(parts.spanId ?? "", "hex"),
    }),
  );
}
