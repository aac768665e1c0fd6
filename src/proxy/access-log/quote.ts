/**
 * Text of a peer as JSON. What could move a cursor, end a line or turn the direction of writing is escaped too, so a line is
 * one line for whatever reads it, a terminal as well.
 */

/** In UTF-16 units. Longer texts of a peer are cut: a line stays one that log shippers take. */
export const maxTextLength = 2_048;

/** Anything but plain ASCII without quotation mark and backslash. Most of what is logged has nothing of the kind. */
const unusual = /[^ !#-[\]-~]/;

/** DEL and C1, separators of lines, marks of direction: JSON leaves them as they are. */
const misleading = /[\u007f-\u009f\u200e\u200f\u2028-\u202e\u2066-\u2069]/g;

export function quote(whole: string): string {
  return `"${isPlain(whole) ? whole : jsonText(whole)}"`;
}

/** As it is in JSON too, and ASCII. */
export function isPlain(text: string): boolean {
  return text.length <= maxTextLength && !unusual.test(text);
}

/** A character of such a text. */
export function isPlainCode(code: number): boolean {
  return code >= 0x20 && code <= 0x7e && code !== 0x22 && code !== 0x5c;
}

/** Without quotation marks around it. */
export function jsonText(whole: string): string {
  return JSON.stringify(whole.slice(0, maxTextLength))
    .slice(1, -1)
    .replace(misleading, (mark) => `\\u${mark.charCodeAt(0).toString(16).padStart(4, "0")}`);
}
