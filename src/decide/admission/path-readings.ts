/**
 * What a path may mean to the server that gets it. Servers do not agree: some merge slashes before they remove dot segments
 * and some after, some decode escaped slashes, take backslashes for slashes, or cut off path parameters (";v=1"). What one of
 * them could take for another resource is a reading. Whoever decides by the path decides by all of them.
 */
import { normalizeEscapes } from "../../kernel/index.ts";
import { removeDotSegments } from "../path.ts";

export interface PathReadings {
  /** RFC 3986 section 6.2.2, then slashes merged. */
  readonly normal: string;
  /** Further ones; mostly none. */
  readonly others: readonly string[];
}

const none: readonly string[] = [];

const slash = 0x2f;
const dot = 0x2e;
/** What no reading changes is visible ASCII without "#", "%", ";" and "\\". By code: 1 for each such character. */
const plain = new Uint8Array(128).fill(1, 0x21, 0x7f);
for (const odd of "#%;\\") plain[odd.charCodeAt(0)] = 0;

/** What some servers decode, turn or cut. */
const lenient = /%2F|%5C|[\\;]/;

/** Its own only reading, in normal form: nothing in it that a server could decode, cut, merge or resolve. */
export function isPlainPath(path: string): boolean {
  if (path.charCodeAt(0) !== slash) return false;
  let before = slash;
  for (let i = 1; i < path.length; i++) {
    const code = path.charCodeAt(i);
    if (code > 0x7e || plain[code] !== 1) return false;
    // Behind a slash a dot may be a segment's, and another slash may be merged.
    if (before === slash && (code === slash || code === dot)) return false;
    before = code;
  }
  return true;
}

/** Undefined where the path cannot be read: no path at all, a NUL, an escape of nothing, bytes that are no UTF-8. */
export function readPath(path: string): PathReadings | undefined {
  if (path === "*") return { normal: path, others: none };
  if (!path.startsWith("/") || !isDecodable(path)) return undefined;
  const text = normalizeEscapes(path);
  const normal = mergeSlashes(withoutDots(text));
  if (!lenient.test(text) && !(text.includes("//") && text.includes("/."))) return { normal, others: none };
  const readings = [normal];
  for (const variant of variantsOf(text)) {
    addOnce(readings, mergeSlashes(withoutDots(variant)));
    addOnce(readings, withoutDots(mergeSlashes(variant)));
  }
  return { normal, others: readings.length === 1 ? none : readings.slice(1) };
}

function isDecodable(path: string): boolean {
  if (/[^!-~]|#|%00|%(?![0-9a-fA-F]{2})/.test(path)) return false;
  if (!/%[89a-fA-F]/.test(path)) return true;
  try {
    decodeURIComponent(path);
    return true;
  } catch {
    return false;
  }
}

/** Parameters are cut before escapes are decoded, or behind that, where a decoded slash ends them. */
const steps = [cutParameters, decodeSlashes, turnBackslashes, cutParameters] as const;

/** Every choice of steps that changes something, each step taken or not, in the order in which servers take them. */
function variantsOf(text: string): readonly string[] {
  const variants = [text];
  for (const step of steps) {
    const { length } = variants;
    for (let i = 0; i < length; i++) addOnce(variants, step(variants[i] ?? ""));
  }
  return variants;
}

/** At most 32 are in a list: to compare them costs less than a set. */
function addOnce(list: string[], text: string): void {
  if (!list.includes(text)) list.push(text);
}

function cutParameters(path: string): string {
  return path.includes(";") ? path.replace(/;[^/]*/g, "") : path;
}

function decodeSlashes(path: string): string {
  return path.includes("%") ? path.replaceAll("%2F", "/").replaceAll("%5C", "\\") : path;
}

function turnBackslashes(path: string): string {
  return path.includes("\\") ? path.replaceAll("\\", "/") : path;
}

function withoutDots(path: string): string {
  return path.includes("/.") ? removeDotSegments(path) : path;
}

function mergeSlashes(path: string): string {
  return path.includes("//") ? path.replace(/\/{2,}/g, "/") : path;
}
