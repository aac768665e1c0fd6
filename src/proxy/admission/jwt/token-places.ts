/** Where tokens stand in a request: found without a second reading, and taken out without a change to what is around them. */
import type { HttpFacts } from "../../../decide/index.ts";
import type { JwtLocation } from "../../../model/index.ts";
import type { HeaderLine } from "../../../http1/index.ts";
import { removableLine } from "../settable-field.ts";
import type { HttpRequest } from "../../http/index.ts";
import { cookiesOf, withoutCookie } from "./cookie-fields.ts";
import { parameterValues, withoutParameter } from "./query-parameters.ts";

type PlaceKind = "header" | "query" | "cookie";

export interface TokenPlace {
  readonly kind: PlaceKind;
  readonly name: string;
  /** In lower case and without spaces at its end; empty: the whole value is the token. */
  readonly scheme: string;
  /** Spaces must follow the scheme; what goes on otherwise is another scheme. */
  readonly isWord: boolean;
  /** Takes the header away; of other kinds none. */
  readonly removal: HeaderLine | undefined;
}

/** More than one reader could take more than one token from the place. */
export const ambiguous: unique symbol = Symbol("ambiguous");
/** The place is there without a token. */
export const empty: unique symbol = Symbol("empty");
/** The token's text, or why there is none; undefined: the request says nothing there. */
export type Found = string | typeof ambiguous | typeof empty | undefined;

export function placeOf({ place, prefix }: JwtLocation): TokenPlace | undefined {
  const scheme = prefix.trimEnd().toLowerCase();
  const isWord = scheme.length < prefix.length;
  switch (place.case) {
    case "header":
      return headerPlace(place.value, scheme, isWord);
    case "queryParameter":
      return { kind: "query", name: place.value, scheme: "", isWord: false, removal: undefined };
    case "cookie":
      return { kind: "cookie", name: place.value, scheme: "", isWord: false, removal: undefined };
    case undefined:
      return undefined;
  }
}

export function headerPlace(name: string, scheme: string, isWord: boolean): TokenPlace {
  return { kind: "header", name, scheme, isWord, removal: removableLine(name) };
}

export function placeKey({ kind, name, scheme, isWord }: TokenPlace): string {
  return JSON.stringify([kind, name, scheme, isWord]);
}

/** For the operator. */
export function placeText({ kind, name }: TokenPlace): string {
  return kind === "query" ? `query parameter ${name}` : `${kind} ${name}`;
}

/** Of the request as it came, whatever a filter before has taken out of it. */
export function findToken(place: TokenPlace, http: HttpFacts, head: HttpRequest | undefined): Found {
  const came = head ?? http;
  switch (place.kind) {
    case "header":
      return inHeader(came.header(place.name), place);
    case "query":
      return single(parameterValues(came.query, place.name));
    case "cookie":
      return single(cookiesOf(came, head, place.name));
  }
}

export interface Stripping {
  removeRequestHeader(nameLower: string): void;
  setRequestLine(line: HeaderLine): void;
  setRequestHeader(nameLower: string, value: string): void;
  setRequestQuery(query: string): void;
}

/**
 * Queries and cookies of one request may hold several tokens: all places of a kind are taken out together, of what a filter
 * before has left.
 */
export function stripTokens(places: readonly TokenPlace[], http: HttpFacts, target: Stripping): void {
  for (const { removal } of places) if (removal !== undefined) target.setRequestLine(removal);
  if (places.every(({ kind }) => kind === "header")) return;
  const queryNames = namesOfKind(places, "query");
  const cookieNames = namesOfKind(places, "cookie");
  if (queryNames.length > 0) target.setRequestQuery(withoutParameter(http.query, queryNames));
  if (cookieNames.length === 0) return;
  const rest = withoutCookie(http, cookieNames);
  if (rest === "") target.removeRequestHeader("cookie");
  else target.setRequestHeader("cookie", rest);
}

function namesOfKind(places: readonly TokenPlace[], wanted: PlaceKind): string[] {
  return places.filter(({ kind }) => kind === wanted).map(({ name }) => name);
}

function single(values: readonly string[]): Found {
  const [token] = values;
  if (token === undefined) return undefined;
  if (values.length > 1) return ambiguous;
  return token === "" ? empty : token;
}

/** Characters of a scheme's name (RFC 9110 section 5.6.2): with one more of them it is another scheme. */
const schemeCharacter = /[\w!#$%&'*+.^`|~-]/;
const space = 0x20;
const tab = 0x09;
const upperA = 0x41;
const upperZ = 0x5a;
const lowerBit = 0x20;

function inHeader(value: string | undefined, place: TokenPlace): Found {
  if (value === undefined) return undefined;
  if (place.scheme === "") return value === "" ? undefined : value;
  const start = tokenStart(value, place);
  // "Basic …" in one line and a token in the next: the application may read either.
  if (start < 0) return isInList(value, place) ? ambiguous : undefined;
  return start === value.length ? empty : value.slice(start);
}

/** Where the token of a header begins, if nothing is wrong with it. Negative: it has another scheme. */
export function tokenStart(value: string, place: TokenPlace): number {
  if (place.scheme === "") return 0;
  let start = behindScheme(value, place);
  if (start < 0) return start;
  while (value.charCodeAt(start) === space || value.charCodeAt(start) === tab) start++;
  return start;
}

/** Names of schemes have no case (RFC 9110 section 11.1). Negative: another one. */
function behindScheme(value: string, { scheme, isWord }: TokenPlace): number {
  const end = scheme.length;
  for (let i = 0; i < end; i++) {
    const code = value.charCodeAt(i);
    const lower = code >= upperA && code <= upperZ ? code | lowerBit : code;
    if (lower !== scheme.charCodeAt(i)) return -1;
  }
  if (!isWord || end === value.length || value.charCodeAt(end) === space) return end;
  return schemeCharacter.test(value.charAt(end)) ? -1 : end;
}

function isInList(value: string, place: TokenPlace): boolean {
  if (!value.includes(",")) return false;
  return value.split(",").some((part) => behindScheme(part.trim(), place) >= 0);
}
