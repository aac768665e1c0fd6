/** Methods that most requests have, as texts that are there already: to decode one costs more than to compare its bytes. */

const byLength: readonly (readonly string[])[] = [
  ...[[], [], []],
  ["GET", "PUT"],
  ["HEAD", "POST"],
  ["PATCH"],
  ["DELETE"],
  ["OPTIONS"],
];

/** Undefined: it is none of them. Case counts (RFC 9110 section 9.1). */
export function commonMethod(bytes: Uint8Array, start: number, end: number): string | undefined {
  const methods = byLength[end - start];
  if (methods === undefined) return undefined;
  for (let i = 0; i < methods.length; i++) {
    const method = methods[i];
    if (method !== undefined && isText(bytes, start, method)) return method;
  }
  return undefined;
}

function isText(bytes: Uint8Array, start: number, text: string): boolean {
  for (let i = 0; i < text.length; i++) if (bytes[start + i] !== text.charCodeAt(i)) return false;
  return true;
}
