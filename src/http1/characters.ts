/** Byte classes of RFC 9110 and 9112 as tables: one load decides, and a byte outside the table is refused. */

export const tab = 0x09;
export const lineFeed = 0x0a;
export const carriageReturn = 0x0d;
export const space = 0x20;
export const colon = 0x3a;

/** tchar (RFC 9110 5.6.2): its lower-case form, 0 for everything else. */
export const tokenLower: Uint8Array = Uint8Array.from({ length: 256 }, (_, byte) => {
  const char = String.fromCharCode(byte);
  return /[!#$%&'*+.^_`|~0-9A-Za-z-]/.test(char) ? char.toLowerCase().charCodeAt(0) : 0;
});

/** Bytes of a field value: visible ASCII, obs-text, space and tab (RFC 9110 5.5). */
export const isFieldByte: Uint8Array = Uint8Array.from({ length: 256 }, (_, byte) =>
  byte === tab || (byte >= space && byte !== 0x7f) ? 1 : 0,
);

/**
 * Bytes of a request target: visible ASCII without "#", as no form of the target has a fragment (RFC 9112 3.2). More
 * than RFC 3986 allows, because browsers send "|", quotes and braces unescaped in queries.
 */
export const isTargetByte: Uint8Array = Uint8Array.from({ length: 256 }, (_, byte) =>
  byte > space && byte < 0x7f && byte !== 0x23 ? 1 : 0,
);

/** Bytes of a registered name (RFC 3986 3.2.2), without comma: in Host it is the trace of two joined fields. */
export const isAuthorityByte: Uint8Array = Uint8Array.from({ length: 256 }, (_, byte) =>
  /[A-Za-z0-9._~!$&'()*+;=%-]/.test(String.fromCharCode(byte)) ? 1 : 0,
);

/** A hexadecimal digit's value, 255 for everything else. */
export const hexValue: Uint8Array = Uint8Array.from({ length: 256 }, (_, byte) => {
  const value = Number.parseInt(String.fromCharCode(byte), 16);
  return Number.isNaN(value) ? 255 : value;
});

const hyphen = 0x2d;

/** As programs see a name that read fields as variables of an environment (CGI, WSGI, Rack, PHP): "_" is "-" as well. */
const foldedName: Uint8Array = tokenLower.map((lower) => (lower === 0x5f ? hyphen : lower));

/** Whether `bytes[start, end)` is `nameLower` to any program, in any case. */
export function meansName(bytes: Uint8Array, start: number, end: number, nameLower: string): boolean {
  const length = end - start;
  if (length !== nameLower.length) return false;
  for (let i = 0; i < length; i++) {
    if (foldedName[bytes[start + i] ?? 0] !== foldedName[nameLower.charCodeAt(i)]) return false;
  }
  return true;
}

/** Whether `bytes[start, end)` is `nameLower` in any case; both are tokens. */
export function equalsName(bytes: Uint8Array, start: number, end: number, nameLower: string): boolean {
  const length = end - start;
  if (length !== nameLower.length) return false;
  for (let i = 0; i < length; i++) {
    if (tokenLower[bytes[start + i] ?? 0] !== nameLower.charCodeAt(i)) return false;
  }
  return true;
}
