/** A match of a route in words, and why it is none of a request: for whoever asks, not for requests. */
import type { HttpMatch, ValueMatch } from "../model/index.ts";
import { holds, prepareConditions } from "./conditions.ts";
import { normalizePath } from "./path.ts";
import { compilePattern } from "./pattern.ts";
import { firstQueryValue } from "./query.ts";
import type { HttpRequestView } from "./request-view.ts";

/** "path prefix /x, method GET, header x-a = b". */
export function matchText(match: HttpMatch | undefined): string {
  if (match === undefined) return "every path";
  const { method, headers, query, grpc } = match;
  return [
    pathText(match),
    ...(method === "" ? [] : [`method ${method}`]),
    ...(grpc ? ["a gRPC call"] : []),
    ...headers.map((header) => `header ${valueText(header)}`),
    ...query.map((parameter) => `query parameter ${valueText(parameter)}`),
  ].join(", ");
}

function pathText({ path }: HttpMatch): string {
  switch (path.case) {
    case "pathExact":
      return `path ${path.value}`;
    case "pathPrefix":
      return path.value === "" ? "every path" : `path prefix ${path.value}`;
    case "pathRegex":
      return `path like ${path.value}`;
    case undefined:
      return "every path";
  }
}

function valueText({ name, value }: ValueMatch): string {
  return value.case === "regex" ? `${name} like ${value.value}` : `${name} = ${value.value ?? ""}`;
}

/** The first of path, method, headers and query that differs; empty: it matches. */
export function explainMismatch(match: HttpMatch | undefined, view: HttpRequestView): string {
  if (match === undefined) return "";
  if (!isPath(match, normalizePath(view.path))) return `path ${view.path} is not ${pathText(match)}`;
  const { method, headers, query } = match;
  const holdsAlone = (part: Partial<Pick<HttpMatch, "method" | "headers" | "query" | "grpc">>): boolean =>
    holds(prepareConditions({ ...match, ...nothing, ...part }), view);
  if (!holdsAlone({ method })) return `method ${view.method} is not ${method}`;
  if (!holdsAlone({ grpc: match.grpc })) return "it is no gRPC call";
  for (const header of headers) {
    if (!holdsAlone({ headers: [header] })) {
      return `header ${differs(header, view.header(header.name.toLowerCase()))}`;
    }
  }
  for (const parameter of query) {
    if (!holdsAlone({ query: [parameter] })) {
      return `query parameter ${differs(parameter, firstQueryValue(view.query, parameter.name))}`;
    }
  }
  return "";
}

const nothing = { method: "", headers: [], query: [], grpc: false };
const maxShown = 100;

function differs(match: ValueMatch, value: string | undefined): string {
  if (value === undefined) return `${match.name} is not there; ${valueText(match)} is asked for`;
  const shown = value.length > maxShown ? `${value.slice(0, maxShown)}…` : value;
  return `${match.name} is ${JSON.stringify(shown)}, not ${match.value.case === "regex" ? "like " : ""}${match.value.value ?? ""}`;
}

function isPath({ path }: HttpMatch, normal: string): boolean {
  switch (path.case) {
    case "pathExact":
      return normal === normalizePath(path.value);
    case "pathPrefix": {
      const whole = normalizePath(path.value);
      const prefix = whole.endsWith("/") ? whole.slice(0, -1) : whole;
      return prefix === "" || (normal.startsWith(prefix) && [undefined, "/"].includes(normal[prefix.length]));
    }
    case "pathRegex":
      return compilePattern(path.value).matches(normal);
    case undefined:
      return true;
  }
}
