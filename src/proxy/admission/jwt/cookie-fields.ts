/** Cookies by name and without some of them (RFC 6265 section 5.4), field line by field line. */
import type { HttpFacts } from "../../../decide/index.ts";
import { RequestHead } from "../../../http1/index.ts";
import type { HttpRequest } from "../../http/index.ts";

/** Values of all cookies of the name. A reader takes the first or the last of several. */
export function cookiesOf(
  came: Pick<HttpFacts, "header">,
  head: HttpRequest | undefined,
  name: string,
): string[] {
  if (came.header("cookie")?.includes(name) !== true) return [];
  return pairs(linesOf(came, head)).flatMap((pair) => (nameOf(pair) === name ? [valueOf(pair)] : []));
}

/** What is left, in one field; the pairs in it stand as they came. */
export function withoutCookie(http: HttpFacts, names: readonly string[]): string {
  const lines = http.headerValues?.("cookie") ?? [http.header("cookie") ?? ""];
  return pairs(lines)
    .filter((pair) => !names.includes(nameOf(pair)))
    .join("; ");
}

function pairs(lines: readonly string[]): string[] {
  return lines
    .flatMap((line) => line.split(";"))
    .map((pair) => pair.trim())
    .filter((pair) => pair !== "");
}

/** Joined they could not be told apart: a cookie's value may have a comma in it. */
function linesOf(came: Pick<HttpFacts, "header">, head: HttpRequest | undefined): readonly string[] {
  if (!(head instanceof RequestHead)) return [came.header("cookie") ?? ""];
  const values: string[] = [];
  for (let i = 0; i < head.headerCount; i++) {
    if (head.nameAt(i) === "cookie") values.push(head.valueAt(i));
  }
  return values;
}

function nameOf(pair: string): string {
  const at = pair.indexOf("=");
  return at < 0 ? "" : pair.slice(0, at).trim();
}

function valueOf(pair: string): string {
  const value = pair.slice(pair.indexOf("=") + 1).trim();
  return value.length > 1 && value.startsWith('"') && value.endsWith('"') ? value.slice(1, -1) : value;
}
