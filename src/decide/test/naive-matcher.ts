/** The slow matcher that the fast one is compared with: every entry in order, each condition as the text of the rules has it. */
import { RE2JS } from "re2js";
import type { HttpMatch, HttpRouting, ValueMatch } from "../../model/index.ts";
import { normalizePath } from "../path.ts";
import type { HttpRequestView } from "../request-view.ts";

/** Index of the first entry that matches. */
export function matchNaively(routing: HttpRouting, view: HttpRequestView): number | undefined {
  const index = routing.entries.findIndex((entry) => entry.match === undefined || matches(entry.match, view));
  return index < 0 ? undefined : index;
}

function matches(match: HttpMatch, view: HttpRequestView): boolean {
  return (
    matchesPath(match, normalizePath(view.path)) &&
    (match.method === "" || match.method === view.method) &&
    (!match.grpc || isGrpc(view)) &&
    match.headers.every((header) => matchesValue(header, view.header(header.name.toLowerCase()))) &&
    match.query.every((parameter) => matchesValue(parameter, queryValue(view.query, parameter.name)))
  );
}

function matchesPath(match: HttpMatch, path: string): boolean {
  switch (match.path.case) {
    case undefined:
      return true;
    case "pathExact":
      return path === normalizePath(match.path.value);
    case "pathRegex":
      return RE2JS.matches(match.path.value, path);
    case "pathPrefix": {
      const prefix = normalizePath(match.path.value).replace(/\/$/, "");
      const wanted = prefix.split("/");
      return wanted.every((segment, index) => path.split("/")[index] === segment);
    }
  }
}

function isGrpc(view: HttpRequestView): boolean {
  return view.method === "POST" && /^application\/grpc($|[+; \t])/i.test(view.header("content-type") ?? "");
}

function matchesValue(match: ValueMatch, value: string | undefined): boolean {
  if (value === undefined) return false;
  return match.value.case === "regex" ? RE2JS.matches(match.value.value, value) : value === match.value.value;
}

function queryValue(query: string, name: string): string | undefined {
  for (const piece of query.split("&")) {
    if (piece === "") continue;
    const [rawName = "", ...rest] = piece.split("=");
    if (decodeURIComponent(rawName) === name) return decodeURIComponent(rest.join("="));
  }
  return undefined;
}
