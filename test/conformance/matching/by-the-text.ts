/**
 * Which rule takes a request, as the text of HTTPRoute says it and with nothing of the product: every match of every rule
 * of every route is tried, and those that hold are sorted by the specified precedence.
 */

/** What of a request rules look at. */
export interface MatchedRequest {
  readonly method: string;
  /** As it came, without the query. */
  readonly path: string;
  readonly query: string;
  header(nameLower: string): string | undefined;
}

interface NamedPattern {
  readonly name: string;
  readonly type: string;
  readonly value: string;
}

/** With its defaults. */
export interface Match {
  readonly path: { readonly type: "Exact" | "PathPrefix" | "RegularExpression"; readonly value: string };
  readonly method?: string | undefined;
  readonly headers?: readonly NamedPattern[] | undefined;
  readonly queryParams?: readonly NamedPattern[] | undefined;
}

export interface MatchedRoute {
  readonly metadata: {
    readonly namespace: string;
    readonly name: string;
    readonly creationTimestamp: string;
  };
  readonly spec: { readonly rules: readonly { readonly matches: readonly Match[] }[] };
}

export interface Candidate<Route extends Pick<MatchedRoute, "metadata">> {
  readonly route: Route;
  readonly rule: number;
  readonly match: Match;
}

/** "namespace/name rules[i]". */
export function ruleByTheText(routes: readonly MatchedRoute[], request: MatchedRequest): string | undefined {
  const first = candidateByTheText(routes, request);
  return first && `${pathOf(first.route)} rules[${first.rule}]`;
}

export function candidateByTheText<Route extends MatchedRoute>(
  routes: readonly Route[],
  request: MatchedRequest,
): Candidate<Route> | undefined {
  const candidates = routes.flatMap((route) =>
    route.spec.rules.flatMap(({ matches }, rule) =>
      matches.map((match): Candidate<Route> => ({ route, rule, match })),
    ),
  );
  return candidates.filter(({ match }) => holds(match, request)).toSorted(compare)[0];
}

function compare<Route extends MatchedRoute>(a: Candidate<Route>, b: Candidate<Route>): number {
  return (
    rank(a.match) - rank(b.match) ||
    length(b.match) - length(a.match) ||
    Number(b.match.method !== undefined) - Number(a.match.method !== undefined) ||
    (b.match.headers ?? []).length - (a.match.headers ?? []).length ||
    (b.match.queryParams ?? []).length - (a.match.queryParams ?? []).length ||
    compareAge(a.route, b.route) ||
    a.rule - b.rule
  );
}

/** The older before the younger, then by name. */
export function compareAge(a: Pick<MatchedRoute, "metadata">, b: Pick<MatchedRoute, "metadata">): number {
  return (
    Date.parse(a.metadata.creationTimestamp) - Date.parse(b.metadata.creationTimestamp) ||
    (pathOf(a) < pathOf(b) ? -1 : pathOf(a) > pathOf(b) ? 1 : 0)
  );
}

function pathOf({ metadata: { namespace, name } }: Pick<MatchedRoute, "metadata">): string {
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

export function holds(match: Match, request: MatchedRequest): boolean {
  const query = new URLSearchParams(request.query);
  return (
    holdsPath(match.path, request.path) &&
    (match.method === undefined || match.method === request.method) &&
    (match.headers ?? []).every((header) => isValue(header, request.header(header.name.toLowerCase()))) &&
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

export function isValue(
  { type, value }: { readonly type: string; readonly value: string },
  actual: string | undefined,
): boolean {
  if (actual === undefined) return false;
  return type === "Exact" ? actual === value : new RegExp(`^(?:${value})$`).test(actual);
}

/** RFC 3986 section 6.2.2, by the runtime's own URL. */
export function plain(path: string): string {
  const unescaped = path.replace(/%[0-9a-f]{2}/gi, (escape) => {
    const character = String.fromCharCode(Number.parseInt(escape.slice(1), 16));
    return /[\w.~-]/.test(character) ? character : escape.toUpperCase();
  });
  return new URL(`http://host${unescaped}`).pathname;
}
