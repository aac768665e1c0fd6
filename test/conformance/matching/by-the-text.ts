/**
 * Which rule takes a request, as the text of HTTPRoute says it and with nothing of the product: every match of every rule
 * of every route is tried, and those that hold are sorted by the specified precedence.
 */
import type { HttpRequestView } from "../../../src/decide/index.ts";
import type { HttpRoute } from "./random-routes.ts";

type Match = HttpRoute["spec"]["rules"][number]["matches"][number];

interface Candidate {
  readonly route: HttpRoute;
  readonly rule: number;
  readonly match: Match;
}

/** "namespace/name rules[i]". */
export function ruleByTheText(routes: readonly HttpRoute[], view: HttpRequestView): string | undefined {
  const candidates = routes.flatMap((route) =>
    route.spec.rules.flatMap(({ matches }, rule) =>
      matches.map((match): Candidate => ({ route, rule, match })),
    ),
  );
  const [first] = candidates.filter(({ match }) => holds(match, view)).toSorted(compare);
  return first && `${pathOf(first.route)} rules[${first.rule}]`;
}

function compare(a: Candidate, b: Candidate): number {
  return (
    rank(a.match) - rank(b.match) ||
    length(b.match) - length(a.match) ||
    Number(b.match.method !== undefined) - Number(a.match.method !== undefined) ||
    (b.match.headers ?? []).length - (a.match.headers ?? []).length ||
    (b.match.queryParams ?? []).length - (a.match.queryParams ?? []).length ||
    Date.parse(a.route.metadata.creationTimestamp) - Date.parse(b.route.metadata.creationTimestamp) ||
    (pathOf(a.route) < pathOf(b.route) ? -1 : pathOf(a.route) > pathOf(b.route) ? 1 : 0) ||
    a.rule - b.rule
  );
}

function pathOf({ metadata: { namespace, name } }: HttpRoute): string {
  return `${namespace}/${name}`;
}

/** The place of patterns is an implementation's choice: weft's is between exact paths and prefixes, the longer first. */
function rank({ path }: Match): number {
  return ["Exact", "RegularExpression", "PathPrefix"].indexOf(path.type);
}

function length({ path: { type, value } }: Match): number {
  if (type === "Exact") return 0;
  return type === "PathPrefix" ? value.replace(/\/$/, "").length : value.length;
}

function holds(match: Match, view: HttpRequestView): boolean {
  const query = new URLSearchParams(view.query);
  return (
    holdsPath(match.path, view.path) &&
    (match.method === undefined || match.method === view.method) &&
    (match.headers ?? []).every((header) => isValue(header, view.header(header.name.toLowerCase()))) &&
    (match.queryParams ?? []).every((parameter) => isValue(parameter, query.get(parameter.name) ?? undefined))
  );
}

function holdsPath({ type, value }: Match["path"], path: string): boolean {
  const asked = plain(path);
  switch (type) {
    case "Exact":
      return asked === plain(value);
    case "RegularExpression":
      return new RegExp(`^(?:${value})$`).test(asked);
    case "PathPrefix": {
      const prefix = plain(value).split("/").slice(1);
      if (prefix.at(-1) === "") prefix.pop();
      return prefix.every((segment, index) => asked.split("/")[index + 1] === segment);
    }
  }
}

function isValue(
  { type, value }: { readonly type: string; readonly value: string },
  actual: string | undefined,
): boolean {
  if (actual === undefined) return false;
  return type === "Exact" ? actual === value : new RegExp(`^(?:${value})$`).test(actual);
}

/** RFC 3986 section 6.2.2, by the runtime's own URL. */
function plain(path: string): string {
  const unescaped = path.replace(/%[0-9a-f]{2}/gi, (escape) => {
    const character = String.fromCharCode(Number.parseInt(escape.slice(1), 16));
    return /[\w.~-]/.test(character) ? character : escape.toUpperCase();
  });
  return new URL(`http://host${unescaped}`).pathname;
}
