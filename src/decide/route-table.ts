/**
 * Which rule a request takes. Entries come sorted by precedence and the first that matches wins; the table finds it
 * without trying them in turn: exact paths in a map, prefixes in a tree of segments, and of the few entries that
 * stand at a path their conditions in order. Only entries with a pattern for a path are tried one after another.
 */
import type { HttpRouting } from "../model/index.ts";
import { type Conditions, holds, prepareConditions } from "./conditions.ts";
import { normalizePath } from "./path.ts";
import { compilePattern, type Pattern } from "./pattern.ts";
import type { HttpRequestView } from "./request-view.ts";
import { type PreparedRule, prepareRule } from "./rule.ts";
import { shared } from "./shared-text.ts";

interface Candidate {
  /** Place in the list of entries: the lower wins. */
  readonly order: number;
  readonly conditions: Conditions | undefined;
  readonly rule: PreparedRule;
}

/** Leads to the one behind it at the same path: there is mostly none, and of thousands of paths no lists are kept. */
interface PlacedCandidate extends Candidate {
  readonly next: PlacedCandidate | undefined;
}

interface PatternCandidate extends Candidate {
  readonly path: Pattern;
}

class PrefixNode {
  readonly parent: PrefixNode | undefined;
  /** Undefined in leaves, of which there are as many as prefixes. */
  children: Map<string, PrefixNode> | undefined = undefined;
  first: PlacedCandidate | undefined = undefined;

  constructor(parent: PrefixNode | undefined) {
    this.parent = parent;
  }

  child(segment: string): PrefixNode {
    this.children ??= new Map();
    const existing = this.children.get(segment);
    if (existing !== undefined) return existing;
    const created = new PrefixNode(this);
    this.children.set(shared(segment), created);
    return created;
  }
}

export class RouteTable {
  /** Undefined, like `#patterns`: there are none. A gateway has thousands of tables, and what is not there is not looked at. */
  #exact: Map<string, PlacedCandidate> | undefined = undefined;
  readonly #prefixes = new PrefixNode(undefined);
  #patterns: PatternCandidate[] | undefined = undefined;

  private constructor() {}

  /** Throws `bad_input` for a rule that does not exist or a pattern that does not compile. */
  static prepare(routing: HttpRouting): RouteTable {
    const table = new RouteTable();
    const prefixes = prefixesOf(routing);
    const rules = routing.rules.map((rule, index) => prepareRule(rule, prefixes.get(index)));
    // From the last, so that each is put before those that stand at its path already.
    for (const [order, entry] of [...routing.entries.entries()].toReversed()) {
      const rule = rules[entry.rule];
      if (rule === undefined) continue;
      const path = entry.match?.path;
      const candidate = { order, conditions: prepareConditions(entry.match), rule };
      switch (path?.case) {
        case "pathExact":
          table.#addExact(normalizePath(path.value), candidate);
          break;
        case "pathRegex":
          (table.#patterns ??= []).push({ ...candidate, path: compilePattern(path.value) });
          break;
        case "pathPrefix":
          addAt(table.#placeOf(normalizePath(path.value)), candidate);
          break;
        case undefined:
          addAt(table.#prefixes, candidate);
          break;
      }
    }
    table.#patterns?.reverse();
    return table;
  }

  match(view: HttpRequestView): PreparedRule | undefined {
    return this.find(view)?.rule;
  }

  /** With the place of the entry that matches, among all entries. */
  find(view: HttpRequestView): { readonly order: number; readonly rule: PreparedRule } | undefined {
    const path = normalizePath(view.path);
    let best = firstOf(this.#exact?.get(path), view, undefined);
    if (this.#patterns !== undefined) best = firstFitting(this.#patterns, path, view, best);
    // The longest prefix first: it mostly stands first among the entries, and then the shorter ones need no look.
    for (let node: PrefixNode | undefined = this.#deepest(path); node !== undefined; node = node.parent) {
      best = firstOf(node.first, view, best);
    }
    return best;
  }

  #addExact(path: string, candidate: Candidate): void {
    const exact = (this.#exact ??= new Map());
    exact.set(path, { ...candidate, next: exact.get(path) });
  }

  #placeOf(prefix: string): PrefixNode {
    let node = this.#prefixes;
    const trimmed = prefix.endsWith("/") ? prefix.slice(0, -1) : prefix;
    if (trimmed !== "") for (const segment of trimmed.slice(1).split("/")) node = node.child(segment);
    return node;
  }

  /** The walk ends where the tree does, so its length is bounded by the configuration and not by the request. */
  #deepest(path: string): PrefixNode {
    let node = this.#prefixes;
    let start = 1;
    while (start <= path.length && node.children !== undefined) {
      const slash = path.indexOf("/", start);
      const end = slash < 0 ? path.length : slash;
      const next = node.children.get(path.slice(start, end));
      if (next === undefined) break;
      node = next;
      start = end + 1;
    }
    return node;
  }
}

function addAt(node: PrefixNode, candidate: Candidate): void {
  node.first = { ...candidate, next: node.first };
}

/** Of each rule the prefix that its first match has: a rule that replaces its prefix has one match only. */
function prefixesOf(routing: HttpRouting): ReadonlyMap<number, string> {
  const prefixes = new Map<number, string>();
  for (const { match, rule } of routing.entries) {
    if (match?.path.case === "pathPrefix" && !prefixes.has(rule)) prefixes.set(rule, match.path.value);
  }
  return prefixes;
}

function firstFitting(
  candidates: readonly PatternCandidate[],
  path: string,
  view: HttpRequestView,
  best: Candidate | undefined,
): Candidate | undefined {
  for (const candidate of candidates) {
    if (best !== undefined && candidate.order > best.order) break;
    if (candidate.path.matches(path) && holds(candidate.conditions, view)) return candidate;
  }
  return best;
}

/** The first from `first` on that holds and stands before `best`, else `best`. */
function firstOf(
  first: PlacedCandidate | undefined,
  view: HttpRequestView,
  best: Candidate | undefined,
): Candidate | undefined {
  for (let candidate = first; candidate !== undefined; candidate = candidate.next) {
    if (best !== undefined && candidate.order > best.order) return best;
    if (holds(candidate.conditions, view)) return candidate;
  }
  return best;
}
