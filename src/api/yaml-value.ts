/**
 * Turns a YAML syntax tree into plain values. Done here rather than by the library because its check for duplicate
 * keys is quadratic and its aliases are only counted; here both are bounded by the number of values that come out.
 */
import { type Alias, isAlias, isMap, isScalar, isSeq, type Node, type Pair, type Range } from "yaml";
import { joinPath } from "./field-path.ts";
import { isRecord, maxDepth, maxNodes } from "./plain-json.ts";

/** Longer than any field name, label key or data key may be. */
const maxKeyLength = 1024;

export interface YamlProblem {
  readonly path: string;
  readonly message: string;
  readonly offset: number;
}

interface Built {
  readonly value: unknown;
  /** Values in it, itself included: what an alias to it costs. */
  readonly size: number;
  /** Levels below it, itself included. */
  readonly height: number;
}

export function buildValue(root: unknown): { value: unknown; problems: YamlProblem[] } {
  const builder = new ValueBuilder();
  const built = builder.build(root, "", 1, 0);
  return { value: built.value, problems: builder.problems };
}

const nothing: Built = { value: undefined, size: 1, height: 1 };

class ValueBuilder {
  readonly problems: YamlProblem[] = [];
  readonly #anchors = new Map<string, Built>();
  #nodes = 0;

  build(node: unknown, path: string, depth: number, parentOffset: number): Built {
    const offset = offsetOf(node) ?? parentOffset;
    if (this.#isOverBudget(1, depth, path, offset)) return nothing;
    if (isAlias(node)) return this.#resolve(node, path, depth, offset);
    const built = this.#buildContent(node, path, depth, offset);
    const anchor = isRecord(node) ? node["anchor"] : undefined;
    if (typeof anchor === "string") this.#anchors.set(anchor, built);
    return built;
  }

  #buildContent(node: unknown, path: string, depth: number, offset: number): Built {
    if (node === null || node === undefined) return { value: null, size: 1, height: 1 };
    if (isScalar(node)) return { value: node.value, size: 1, height: 1 };
    let size = 1;
    let height = 0;
    const add = (child: Built): unknown => {
      size += child.size;
      height = Math.max(height, child.height);
      return child.value;
    };
    if (isSeq(node)) {
      const value = node.items.map((item, index) =>
        add(this.build(item, joinPath(path, index), depth + 1, offset)),
      );
      return { value, size, height: height + 1 };
    }
    if (isMap(node)) {
      const value: Record<string, unknown> = {};
      for (const pair of node.items) {
        const key = this.#keyOf(pair, value, path, offset);
        if (key !== undefined)
          value[key] = add(this.build(pair.value, joinPath(path, key), depth + 1, offset));
      }
      return { value, size, height: height + 1 };
    }
    this.#report(path, "cannot be read as a value", offset);
    return nothing;
  }

  #keyOf(pair: Pair, known: Record<string, unknown>, path: string, parentOffset: number): string | undefined {
    const offset = offsetOf(pair.key) ?? parentOffset;
    const key: unknown = isScalar(pair.key) ? pair.key.value : undefined;
    if (typeof key !== "string") {
      this.#report(path, "every key must be text", offset);
    } else if (key.length > maxKeyLength) {
      this.#report(path, `a key must not be longer than ${maxKeyLength} characters`, offset);
    } else if (key === "__proto__") {
      this.#report(joinPath(path, key), "this key is refused", offset);
    } else if (Object.hasOwn(known, key)) {
      this.#report(joinPath(path, key), "the key stands there twice", offset);
    } else {
      return key;
    }
    return undefined;
  }

  #resolve(node: Alias, path: string, depth: number, offset: number): Built {
    const target = this.#anchors.get(node.source);
    if (target === undefined) {
      this.#report(path, `no anchor &${node.source.slice(0, 64)} stands before this alias`, offset);
      return nothing;
    }
    return this.#isOverBudget(target.size, depth + target.height, path, offset) ? nothing : target;
  }

  #isOverBudget(size: number, depth: number, path: string, offset: number): boolean {
    if (depth > maxDepth) this.#report(path, `nested deeper than ${maxDepth} levels`, offset);
    const wasOver = this.#nodes > maxNodes;
    this.#nodes += size;
    if (this.#nodes > maxNodes && !wasOver)
      this.#report("", `more than ${maxNodes} values, aliases counted each time`, offset);
    return depth > maxDepth || this.#nodes > maxNodes;
  }

  #report(path: string, message: string, offset: number): void {
    // A person mends the first few; the rest is only memory.
    if (this.problems.length < 100) this.problems.push({ path, message, offset });
  }
}

/** The offset of the deepest node on the way to a field path that the text has. */
export function offsetOfPath(root: unknown, target: string): number {
  let node = root;
  let path = "";
  let offset = offsetOf(root) ?? 0;
  for (;;) {
    const next = childTowards(node, path, target);
    if (next === undefined) return offset;
    ({ node, path } = next);
    offset = next.offset ?? offset;
    if (path === target) return offset;
  }
}

function childTowards(
  node: unknown,
  path: string,
  target: string,
): { node: unknown; path: string; offset: number | undefined } | undefined {
  if (isSeq(node)) {
    for (const [index, item] of node.items.entries()) {
      const at = joinPath(path, index);
      if (leadsTo(at, target)) return { node: item, path: at, offset: offsetOf(item) };
    }
  } else if (isMap(node)) {
    for (const pair of node.items) {
      const key: unknown = isScalar(pair.key) ? pair.key.value : undefined;
      if (typeof key !== "string" || key.length > maxKeyLength) continue;
      const at = joinPath(path, key);
      if (leadsTo(at, target)) return { node: pair.value, path: at, offset: offsetOf(pair.key) };
    }
  }
  return undefined;
}

function leadsTo(path: string, target: string): boolean {
  return (
    target.startsWith(path) &&
    (target.length === path.length || target[path.length] === "." || target[path.length] === "[")
  );
}

function offsetOf(node: unknown): number | undefined {
  const range: Range | null | undefined = isNode(node) ? node.range : undefined;
  return range?.[0];
}

function isNode(node: unknown): node is Node {
  return isScalar(node) || isMap(node) || isSeq(node) || isAlias(node);
}
