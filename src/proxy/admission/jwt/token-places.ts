/** Where tokens stand in a request: found without a second reading, and taken out without a change to what is around them. */
import type { HttpFacts } from "../../../decide/index.ts";
import type { JwtLocation } from "../../../model/index.ts";
import type { HttpRequest } from "../../http/index.ts";
import { cookiesOf, withoutCookie } from "./cookie-fields.ts";
import { parameterValues, withoutParameter } from "./query-parameters.ts";

export type PlaceKind = "header" | "query" | "cookie";

export interface TokenPlace {
  readonly kind: PlaceKind;
  readonly name: string;
  /** In lower case and without spaces at its end; empty: the whole value is the token. */
  readonly scheme: string;
  /** Spaces must follow the scheme; what goes on otherwise is another scheme. */
  readonly isWord: boolean;
}

/** `ambiguous`: more than one reader could take more than one token from it. `empty`: the place is there without a token. */
export type Found = { readonly token: string } | "ambiguous" | "empty" | undefined;

export function placeOf({ place, prefix }: JwtLocation): TokenPlace | undefined {
  const scheme = prefix.trimEnd().toLowerCase();
  const isWord = scheme.length < prefix.length;
  switch (place.case) {
    case "header":
      return { kind: "header", name: place.value, scheme, isWord };
    case "queryParameter":
      return { kind: "query", name: place.value, scheme: "", isWord: false };
    case "cookie":
      return { kind: "cookie", name: place.value, scheme: "", isWord: false };
    case undefined:
      return undefined;
  }
}

export function placeKey({ kind, name, scheme, isWord }: TokenPlace): string {
  return JSON.stringify([kind, name, scheme, isWord]);
}

/** For the operator. */
export function placeText({ kind, name }: TokenPlace): string {
  return kind === "query" ? `query parameter ${name}` : `${kind} ${name}`;
}

export function findToken(place: TokenPlace, http: HttpFacts, head: HttpRequest | undefined): Found {
  switch (place.kind) {
    case "header":
      return inHeader(http.header(place.name), place);
    case "query":
      return single(parameterValues(http.query, place.name));
    case "cookie":
      return single(cookiesOf(http, head, place.name));
  }
}

export interface Stripping {
  removeRequestHeader(nameLower: string): void;
  setRequestHeader(nameLower: string, value: string): void;
  setRequestQuery(query: string): void;
}

/** Queries and cookies of one request may hold several tokens: all places of a kind are taken out together. */
export function stripTokens(
  places: readonly TokenPlace[],
  http: HttpFacts,
  head: HttpRequest | undefined,
  target: Stripping,
): void {
  const queryNames: string[] = [];
  const cookieNames: string[] = [];
  for (const { kind, name } of places) {
    if (kind === "header") target.removeRequestHeader(name);
    else (kind === "query" ? queryNames : cookieNames).push(name);
  }
  if (queryNames.length > 0) target.setRequestQuery(withoutParameter(http.query, queryNames));
  if (cookieNames.length === 0) return;
  const rest = withoutCookie(http, head, cookieNames);
  if (rest === "") target.removeRequestHeader("cookie");
  else target.setRequestHeader("cookie", rest);
}

function single(values: readonly string[]): Found {
  const [token] = values;
  if (token === undefined) return undefined;
  if (values.length > 1) return "ambiguous";
  return token === "" ? "empty" : { token };
}

/** Characters of a scheme's name (RFC 9110 section 5.6.2): with one more of them it is another scheme. */
const schemeCharacter = /[\w!#$%&'*+.^`|~-]/;

function inHeader(value: string | undefined, place: TokenPlace): Found {
  if (value === undefined) return undefined;
  if (place.scheme === "") return value === "" ? undefined : unlessListed(value);
  const rest = behindScheme(value, place);
  // "Basic …" in one line and a token in the next: the application may read either.
  if (rest === undefined) return isInList(value, place) ? "ambiguous" : undefined;
  const token = rest.replace(/^[ \t]+/, "");
  return token === "" ? "empty" : unlessListed(token);
}

/** No token has a comma in it: there are several fields, or several values in one. */
function unlessListed(token: string): Found {
  return token.includes(",") ? "ambiguous" : { token };
}

/** Names of schemes have no case (RFC 9110 section 11.1). Undefined: another one. */
function behindScheme(value: string, { scheme, isWord }: TokenPlace): string | undefined {
  if (value.slice(0, scheme.length).toLowerCase() !== scheme) return undefined;
  const rest = value.slice(scheme.length);
  return isWord && rest !== "" && schemeCharacter.test(rest.charAt(0)) ? undefined : rest;
}

function isInList(value: string, place: TokenPlace): boolean {
  if (!value.includes(",")) return false;
  return value.split(",").some((part) => behindScheme(part.trim(), place) !== undefined);
}
