/** What filters make of a request, by the text of Gateway API: redirects, rewrites, header modifiers. */
import { plain } from "../matching/by-the-text.ts";
import type { Filter, HeaderModifier, NewPath, Question, Redirect, RouteRule } from "./applied.ts";

export function filterOf<K extends keyof Filter>(
  filters: readonly Filter[] | undefined,
  key: K,
): Filter[K] | undefined {
  return (filters ?? []).find((filter) => filter[key] !== undefined)?.[key];
}

/** Values of a field by its name in lower case; a repeated one has several. */
export type Fields = ReadonlyMap<string, readonly string[]>;

export function editByTheText(fields: Fields, modifier: HeaderModifier | undefined): Fields {
  const edited = new Map(fields);
  for (const name of modifier?.remove ?? []) edited.delete(name.toLowerCase());
  for (const { name, value } of modifier?.set ?? []) edited.set(name.toLowerCase(), [value]);
  for (const { name, value } of modifier?.add ?? []) {
    edited.set(name.toLowerCase(), [...(edited.get(name.toLowerCase()) ?? []), value]);
  }
  return edited;
}

/** "A path as received" is replaced in the form that was matched. */
export function pathByTheText(path: string, to: NewPath | undefined, prefix: string | undefined): string {
  if (to === undefined) return path;
  const value = (to.type === "ReplaceFullPath" ? to.replaceFullPath : to.replacePrefixMatch) ?? "";
  const absolute = value === "" || value.startsWith("/") ? value : `/${value}`;
  if (to.type === "ReplaceFullPath") return absolute === "" ? "/" : absolute;
  const matched = plain(prefix ?? "/").replace(/\/$/, "");
  const rest = plain(path).slice(matched.length);
  const joined = absolute.replace(/\/$/, "") + rest;
  return joined === "" ? "/" : joined;
}

/** `status` and `location` of a redirect. */
export function redirectByTheText(
  redirect: Redirect,
  question: Question,
  prefix: string | undefined,
): { readonly status: number; readonly location: string } {
  const scheme = redirect.scheme ?? "http";
  const wellKnown = scheme === "https" ? 443 : 80;
  const port = redirect.port ?? (redirect.scheme === undefined ? question.port : wellKnown);
  const host = redirect.hostname ?? question.authority.replace(/:\d+$/, "");
  const path = pathByTheText(question.path, redirect.path, prefix);
  const query = question.query === "" ? "" : `?${question.query}`;
  const shown = port === wellKnown ? "" : `:${port}`;
  return { status: redirect.statusCode ?? 302, location: `${scheme}://${host}${shown}${path}${query}` };
}

/** Of a rule and then of its backend, whose own rewrite is nearer. */
export function rewritingByTheText(
  question: Question,
  rule: RouteRule,
  backend: readonly Filter[] | undefined,
  prefix: string | undefined,
): { readonly authority: string; readonly path: string } {
  const [far, near] = [filterOf(rule.filters, "urlRewrite"), filterOf(backend, "urlRewrite")];
  return {
    authority: near?.hostname ?? far?.hostname ?? question.authority,
    path: pathByTheText(question.path, near?.path ?? far?.path, prefix),
  };
}
