/**
 * Query parameters as HTTPRoute matches them: name and value compare equal after percent-decoding (RFC 7230 section
 * 2.7.3, to which Gateway API refers), and of a repeated parameter the first value counts. `+` is an ordinary
 * character of a URI and is not decoded to a space. A parameter without `=` has the empty value.
 */

/** The first value of `name` in `query` (the part after `?`), decoded; undefined where it is absent. */
export function firstQueryValue(query: string, name: string): string | undefined {
  let start = 0;
  while (start <= query.length) {
    const ampersand = query.indexOf("&", start);
    const end = ampersand < 0 ? query.length : ampersand;
    const equals = query.indexOf("=", start);
    const nameEnd = equals < 0 || equals > end ? end : equals;
    if (isNameAt(query, start, nameEnd, name)) return percentDecode(query.slice(nameEnd + 1, end));
    start = end + 1;
  }
  return undefined;
}

function isNameAt(query: string, start: number, end: number, name: string): boolean {
  // An empty piece ("a=1&&b=2") is no parameter.
  if (end === start) return false;
  if (end - start === name.length && query.startsWith(name, start)) return true;
  // Decoding never makes text longer, so a shorter piece cannot be the name.
  if (end - start <= name.length) return false;
  const raw = query.slice(start, end);
  return raw.includes("%") && percentDecode(raw) === name;
}

const decoder = new TextDecoder();
const encoder = new TextEncoder();

/** A `%` that begins no escape stays as it is; bytes that are no UTF-8 become U+FFFD. Never throws. */
export function percentDecode(text: string): string {
  if (!text.includes("%")) return text;
  const source = encoder.encode(text);
  const target = new Uint8Array(source.length);
  let length = 0;
  for (let i = 0; i < source.length; i++) {
    const high = source[i] === 0x25 ? hexDigit(source[i + 1]) : -1;
    const low = high < 0 ? -1 : hexDigit(source[i + 2]);
    if (low < 0) {
      target[length++] = source[i] ?? 0;
    } else {
      target[length++] = high * 16 + low;
      i += 2;
    }
  }
  return decoder.decode(target.subarray(0, length));
}

function hexDigit(code: number | undefined): number {
  if (code === undefined) return -1;
  if (code >= 0x30 && code <= 0x39) return code - 0x30;
  const lower = code | 0x20;
  return lower >= 0x61 && lower <= 0x66 ? lower - 0x57 : -1;
}
