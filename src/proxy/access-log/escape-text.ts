/**
 * A value in a line of text, so that neither the line nor quotation marks around the value can be ended by it: what is not
 * printable ASCII, and `"` and `\`, become \xNN for each byte of UTF-8, as nginx writes them. Header bytes come as Latin-1, so
 * each of theirs is its own \xNN.
 */

const unusual = /[^ !#-[\]-~]/;
const everyUnusual = /[^ !#-[\]-~]/gu;

export function escapeText(text: string): string {
  return unusual.test(text) ? text.replace(everyUnusual, escaped) : text;
}

function escaped(character: string): string {
  const code = character.codePointAt(0) ?? 0;
  if (code <= 0xff) return hex(code);
  let bytes = "";
  for (const byte of encoder.encode(character)) bytes += hex(byte);
  return bytes;
}

const encoder = new TextEncoder();

function hex(byte: number): string {
  return `\\x${byte.toString(16).toUpperCase().padStart(2, "0")}`;
}
