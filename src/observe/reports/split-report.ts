/** Takes a TelemetryReport apart: where its edges lie, which are most of it, and everything else as protobuf reads it. */
import { fromBinary } from "@bufbuild/protobuf";
import { type TelemetryReport, TelemetryReportSchema } from "../../wire/index.ts";
import { VarintReader } from "../window/varints.ts";

/** Field 4, with a length. */
const edgeTag = (4 << 3) | 2;

export interface SplitReport {
  /** Without edges. */
  readonly report: TelemetryReport;
  /** Begin and end of each edge by turns. */
  readonly edges: readonly number[];
}

/** Undefined where the bytes are no report. */
export function splitReport(bytes: Uint8Array): SplitReport | undefined {
  const reader = new VarintReader(bytes);
  const edges: number[] = [];
  const others: Uint8Array[] = [];
  try {
    while (reader.at < reader.end) {
      const start = reader.at;
      const tag = reader.read();
      skipValue(reader, tag & 7);
      if (reader.at > reader.end) return undefined;
      if (tag === edgeTag) edges.push(contentStart(bytes, start), reader.at);
      else others.push(bytes.subarray(start, reader.at));
    }
    return { report: fromBinary(TelemetryReportSchema, Buffer.concat(others)), edges };
  } catch {
    return undefined;
  }
}

function skipValue(reader: VarintReader, wire: number): void {
  if (wire === 2) {
    const length = reader.read();
    reader.at += length;
  } else if (wire === 0) skipVarint(reader);
  else if (wire === 1) reader.at += 8;
  else if (wire === 5) reader.at += 4;
  else throw new RangeError("no such type of field");
}

/** May have 64 bits: a negative number has all of them. */
function skipVarint(reader: VarintReader): void {
  while ((reader.bytes[reader.at++] ?? 0) >= 0x80) if (reader.at >= reader.end) return;
}

function contentStart(bytes: Uint8Array, tagAt: number): number {
  const reader = new VarintReader(bytes, tagAt + 1);
  reader.read();
  return reader.at;
}
