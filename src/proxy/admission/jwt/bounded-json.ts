/**
 * JSON that strangers wrote, with bounds and without two readings: an object that names a member twice is refused (RFC 7519 section
 * 4), since of two readers one may take the first and the other the last.
 */

/** Deeper and larger ones are built to cost, or mistakes: real tokens have three levels and some forty members. */
const maxDepth = 16;
const maxMembers = 512;

export type JsonObject = Readonly<Record<string, unknown>>;

/** The object, or why it is none: a text that tells nothing of its content. */
export function readJsonObject(text: string): JsonObject | string {
  const fault = inspect(text);
  if (fault !== undefined) return fault;
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return "is no JSON";
  }
  return isJsonObject(value) ? value : "is no JSON object";
}

export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Only what `JSON.parse` does not say; it reads the text after this. */
function inspect(text: string): string | undefined {
  /** Names of each object that is open; undefined for an array. */
  const open: (Set<string> | undefined)[] = [];
  let members = 0;
  for (let at = 0; at < text.length; at++) {
    switch (text[at]) {
      case "{":
      case "[":
        if (open.length === maxDepth) return `is nested deeper than ${maxDepth} levels`;
        open.push(text[at] === "{" ? new Set() : undefined);
        break;
      case "}":
      case "]":
        open.pop();
        break;
      case ",":
        members++;
        break;
      case '"': {
        const end = endOfString(text, at);
        const names = open.at(-1);
        if (names !== undefined && isName(text, end)) {
          const name = unescaped(text.slice(at, end));
          if (names.has(name)) return "names a member twice";
          names.add(name);
        }
        at = end - 1;
        break;
      }
      default:
    }
    if (members >= maxMembers) return `has more than ${maxMembers} members`;
  }
  return undefined;
}

/** Behind the closing quote, or behind the text's end. */
function endOfString(text: string, start: number): number {
  let at = start + 1;
  while (at < text.length && text[at] !== '"') at += text[at] === "\\" ? 2 : 1;
  return at + 1;
}

/** A string before a colon. */
function isName(text: string, end: number): boolean {
  let at = end;
  while (text[at] === " " || text[at] === "\t" || text[at] === "\n" || text[at] === "\r") at++;
  return text[at] === ":";
}

/** `"is\u0073"` is another spelling of `"iss"`. */
function unescaped(literal: string): string {
  if (!literal.includes("\\")) return literal.slice(1, -1);
  try {
    return String(JSON.parse(literal));
  } catch {
    return literal;
  }
}
