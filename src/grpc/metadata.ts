/** What travels beside messages: metadata, deadlines, and the text of a status in the form that headers allow. */
import type { HeaderFields } from "../http2/index.ts";

export type Metadata = ReadonlyMap<string, string>;

/** A status' text is for people; with the percent signs it must still fit into any peer's header limit (8 KiB). */
const maxMessageBytes = 2048;
/** The protocol's own; a caller can neither set nor see them as metadata. */
const reserved: ReadonlySet<string> = new Set(["te", "content-type", "user-agent", "host", "content-length"]);
const namePattern = /^[0-9a-z_.-]+$/;
const valuePattern = /^[\x21-\x7e]([\x20-\x7e]*[\x21-\x7e])?$/;

/** Values of names that end in "-bin" are base64 text on both sides. */
export function appendMetadata(fields: HeaderFields, metadata: Metadata): void {
  for (const [name, value] of metadata) {
    if (!isCustom(name) || !namePattern.test(name) || !valuePattern.test(value)) continue;
    if (name === "authorization") fields.addSensitive(name, value);
    else fields.add(name, value);
  }
}

/** Repeated names are joined with commas. */
export function readMetadata(fields: HeaderFields): Metadata {
  const metadata = new Map<string, string>();
  for (let i = 0; i < fields.count; i++) {
    const name = fields.nameAt(i);
    if (!isCustom(name)) continue;
    const before = metadata.get(name);
    metadata.set(name, before === undefined ? fields.valueAt(i) : `${before},${fields.valueAt(i)}`);
  }
  return metadata;
}

function isCustom(name: string): boolean {
  return !name.startsWith(":") && !name.startsWith("grpc-") && !reserved.has(name);
}

const unitsMs: Record<string, number> = { H: 3_600_000, M: 60_000, S: 1000, m: 1, u: 0.001, n: 0.000_001 };
const maxTimeoutDigits = 8;

/** Undefined where there is none or it cannot be read. */
export function parseTimeoutMs(text: string | undefined): number | undefined {
  const match = /^([0-9]{1,8})([HMSmun])$/.exec(text ?? "");
  const unit = unitsMs[match?.[2] ?? ""];
  return match === null || unit === undefined ? undefined : Math.ceil(Number(match[1]) * unit);
}

export function encodeTimeout(ms: number): string {
  const whole = Math.max(1, Math.ceil(ms));
  if (whole < 10 ** maxTimeoutDigits) return `${whole}m`;
  return `${Math.min(Math.ceil(whole / 1000), 10 ** maxTimeoutDigits - 1)}S`;
}

/** grpc-message: UTF-8, percent-encoded where a byte is not printable ASCII. Cut at a bound. */
export function encodeMessage(message: string): string {
  let out = "";
  for (const byte of new TextEncoder().encode(message).subarray(0, maxMessageBytes)) {
    const isPlain = byte >= 0x20 && byte <= 0x7e && byte !== 0x25;
    out += isPlain ? String.fromCharCode(byte) : `%${byte.toString(16).toUpperCase().padStart(2, "0")}`;
  }
  // Fields must neither begin nor end with a space.
  return out.replace(/^ | $/g, "%20");
}

/** What is no valid escape is kept as it came. */
export function decodeMessage(text: string): string {
  const bytes: number[] = [];
  for (let i = 0; i < text.length; i++) {
    const hex = /^%[0-9a-fA-F]{2}/.test(text.slice(i, i + 3)) ? text.slice(i + 1, i + 3) : undefined;
    bytes.push(hex === undefined ? text.charCodeAt(i) & 0xff : Number.parseInt(hex, 16));
    if (hex !== undefined) i += 2;
  }
  return new TextDecoder().decode(Uint8Array.from(bytes));
}
