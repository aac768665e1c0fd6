/** What a request for a tap asks for, and the right that it takes. */
import { WeftError } from "../../kernel/index.ts";
import type { TapTarget } from "../../observe/index.ts";
import type { ResourceAccess } from "../authorization/access-request.ts";
import { parseNumber } from "../resources.ts";

export interface AskedTap {
  readonly targets: readonly TapTarget[];
  /** CEL; empty: everything. */
  readonly filter: string;
  readonly headers: boolean;
  readonly maxBodyBytes: number;
  readonly maxPerSecond: number;
  readonly seconds: number;
}

const kinds: readonly TapTarget["kind"][] = ["namespace", "workload", "service", "route"];
const maxTargets = 32;
/** Of each direction of each exchange: enough for a form or a small document. */
const maxBodyBytes = 65_536;
const defaultPerSecond = 50;
const maxPerSecond = 1_000;
const defaultSeconds = 600;
const maxSeconds = 3_600;

/** Throws `usage`. */
export function parseTap(query: URLSearchParams): AskedTap {
  const number = (name: string, fallback: number, max: number): number =>
    parseNumber(name, query.get(name) ?? String(fallback), max);
  return {
    targets: targetsOf(query),
    filter: query.get("filter") ?? "",
    headers: isSet(query.get("headers")),
    maxBodyBytes: number("bodies", 0, maxBodyBytes),
    maxPerSecond: Math.max(1, number("maxPerSecond", defaultPerSecond, maxPerSecond)),
    seconds: Math.max(1, number("seconds", defaultSeconds, maxSeconds)),
  };
}

/**
 * Of the namespace that all targets are in; where they are in several, or there is none, of the whole mesh. Never throws: what cannot be
 * read is refused to nobody but those who may.
 */
export function tapAccess(query: URLSearchParams): ResourceAccess {
  const targets = kinds.flatMap((kind) => query.getAll(kind).map((name) => ({ kind, name })));
  const namespaces = new Set(
    targets.map(({ kind, name }) => (kind === "namespace" ? name : namespaceOf(name))),
  );
  const [namespace = ""] = namespaces;
  return {
    type: "resource",
    verb: "create",
    group: "weft.dev",
    resource: "taps",
    subresource: ["", "0", null].includes(query.get("bodies")) ? "" : "bodies",
    namespace: namespaces.size === 1 ? namespace : "",
    name: "",
  };
}

function targetsOf(query: URLSearchParams): TapTarget[] {
  const targets = kinds.flatMap((kind) => query.getAll(kind).map((name): TapTarget => ({ kind, name })));
  if (targets.length > maxTargets) throw new WeftError("usage", `a tap has at most ${maxTargets} targets`);
  for (const { kind, name } of targets) {
    const pattern = kind === "namespace" ? /^[^/\s]{1,253}$/ : /^[^/\s]{1,253}\/[^/\s]{1,253}$/;
    if (!pattern.test(name)) {
      const form = kind === "namespace" ? "its name" : "namespace/name";
      throw new WeftError("usage", `${kind} ${JSON.stringify(name.slice(0, 100))} is no ${kind}`, {
        hint: `write ${form}`,
      });
    }
  }
  return targets;
}

function namespaceOf(name: string): string {
  return name.includes("/") ? name.slice(0, name.indexOf("/")) : "";
}

function isSet(value: string | null): boolean {
  return value === "true" || value === "1";
}
