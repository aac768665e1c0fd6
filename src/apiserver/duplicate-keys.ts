/**
 * Keys that stand twice in one object of a JSON text, of which `JSON.parse` silently takes the last. The text must be valid JSON:
 * only strings, brackets and commas are looked at, once, from front to back.
 */
import { joinPath } from "../api/index.ts";
import type { Issue } from "../kernel/index.ts";

/** A person mends the first few. */
const maxIssues = 50;

interface Frame {
  /** Undefined: a list. */
  readonly keys: Set<string> | undefined;
  key: string;
  index: number;
  /** What comes next in an object: a key, or the value of one. */
  wantsKey: boolean;
}

export function duplicateKeys(text: string): Issue[] {
  const issues: Issue[] = [];
  const frames: Frame[] = [];
  let line = 1;
  for (let at = 0; at < text.length; at++) {
    const frame = frames.at(-1);
    switch (text.charCodeAt(at)) {
      case 0x0a:
        line++;
        break;
      case 0x7b: // {
        frames.push({ keys: new Set(), key: "", index: 0, wantsKey: true });
        break;
      case 0x5b: // [
        frames.push({ keys: undefined, key: "", index: 0, wantsKey: false });
        break;
      case 0x7d: // }
      case 0x5d: // ]
        frames.pop();
        break;
      case 0x2c: // ,
        if (frame === undefined) break;
        frame.index++;
        frame.wantsKey = frame.keys !== undefined;
        break;
      case 0x22: {
        const end = endOfString(text, at);
        if (frame?.wantsKey === true && frame.keys !== undefined) {
          frame.key = String(JSON.parse(text.slice(at, end + 1)));
          frame.wantsKey = false;
          if (frame.keys.has(frame.key)) {
            issues.push({ path: pathOf(frames), message: "the key stands there twice", line });
            if (issues.length >= maxIssues) return issues;
          }
          frame.keys.add(frame.key);
        }
        at = end;
      }
    }
  }
  return issues;
}

function endOfString(text: string, start: number): number {
  let end = text.indexOf('"', start + 1);
  for (; end >= 0; end = text.indexOf('"', end + 1)) {
    let escapes = 0;
    while (text.charCodeAt(end - 1 - escapes) === 0x5c) escapes++;
    if (escapes % 2 === 0) return end;
  }
  return text.length;
}

function pathOf(frames: readonly Frame[]): string {
  return frames.reduce((path, { keys, key, index }) => joinPath(path, keys === undefined ? index : key), "");
}
