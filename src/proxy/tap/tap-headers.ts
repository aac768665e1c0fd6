/** Header fields of a head as a tap tells them: bounded, and secrets taken out. */
import { create } from "@bufbuild/protobuf";
import { hidden, type PreparedRedaction } from "../../decide/telemetry/index.ts";
import { type TapHeader, TapHeaderSchema } from "../../wire/index.ts";
import type { HttpRequest, HttpResponse } from "../http/index.ts";

/** More of them, or longer ones, say nothing that a person would read. */
const maxHeaders = 100;
const maxValueLength = 4_096;
const maxTotalLength = 32_768;

const redacted = new TextEncoder().encode(hidden);

export function tapHeaders(
  head: HttpRequest | HttpResponse | undefined,
  redaction: PreparedRedaction,
): TapHeader[] {
  const headers: TapHeader[] = [];
  if (head === undefined) return headers;
  const fields = "headerCount" in head ? head : head.fields;
  const count = "headerCount" in fields ? fields.headerCount : fields.count;
  let length = 0;
  for (let i = 0; i < count && headers.length < maxHeaders && length < maxTotalLength; i++) {
    const name = fields.nameAt(i).slice(0, maxValueLength);
    // Method, path and the like are told apart.
    if (name.startsWith(":")) continue;
    const value = redaction.hidesHeader(name)
      ? redacted
      : Buffer.from(fields.valueAt(i).slice(0, maxValueLength), "latin1");
    length += name.length + value.length;
    headers.push(create(TapHeaderSchema, { name, value: Uint8Array.from(value) }));
  }
  return headers;
}
