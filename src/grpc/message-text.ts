/** `grpc-message`: UTF-8, percent-encoded where a byte is not printable ASCII (gRPC's PROTOCOL-HTTP2.md, "Responses"). */

/** A status' text is for people; with the percent signs it must still fit into any peer's header limit (8 KiB). */
const maxMessageBytes = 2048;

const encoder = new TextEncoder();

/** Cut at a bound, between characters. */
export function encodeGrpcMessage(message: string): string {
  const bytes = encoder.encode(message);
  const end = endOfWhole(bytes, maxMessageBytes);
  let out = "";
  for (let i = 0; i < end; i++) {
    const byte = bytes[i] ?? 0;
    const isPlain = byte >= 0x20 && byte <= 0x7e && byte !== 0x25;
    out += isPlain ? String.fromCharCode(byte) : `%${byte.toString(16).toUpperCase().padStart(2, "0")}`;
  }
  // Fields must neither begin nor end with a space.
  return out.replace(/^ | $/g, "%20");
}

/** What is no valid escape is kept as it came. */
export function decodeGrpcMessage(text: string): string {
  const bytes: number[] = [];
  for (let i = 0; i < text.length; i++) {
    const hex = /^%[0-9a-fA-F]{2}/.test(text.slice(i, i + 3)) ? text.slice(i + 1, i + 3) : undefined;
    bytes.push(hex === undefined ? text.charCodeAt(i) & 0xff : Number.parseInt(hex, 16));
    if (hex !== undefined) i += 2;
  }
  return new TextDecoder().decode(Uint8Array.from(bytes));
}

/** The last place up to `max` that is not inside a character. */
function endOfWhole(utf8: Uint8Array, max: number): number {
  if (utf8.length <= max) return utf8.length;
  let end = max;
  while (end > 0 && ((utf8[end] ?? 0) & 0xc0) === 0x80) end--;
  return end;
}
