/**
 * What clients send under names that the mesh sets. Also with "_" in the place of "-": programs that read fields as variables of an
 * environment (CGI, WSGI, Rack, PHP) see one name for both.
 */
import { type HeaderLine, RequestHead } from "../../../http1/index.ts";
import type { HttpRequest } from "../../http/index.ts";
import type { FilteredExchange } from "../filter.ts";

const underscore = 0x5f;
const none: readonly string[] = [];

/** `own`: lines that remove. Takes away all of them but the ones that are set, which replace what came. */
export function removeForged(
  own: readonly HeaderLine[],
  set: readonly HeaderLine[],
  exchange: Pick<FilteredExchange, "head" | "removeRequestHeader" | "setRequestLine">,
): void {
  const { head } = exchange;
  for (const line of own) if (!isSet(line.nameLower, set)) exchange.setRequestLine(line);
  if (head === undefined) return;
  for (const alias of namesWithUnderscores(head, own)) {
    const meant = alias.replaceAll("_", "-");
    if (own.some(({ nameLower }) => nameLower !== alias && nameLower.replaceAll("_", "-") === meant))
      exchange.removeRequestHeader(alias);
  }
}

function isSet(name: string, set: readonly HeaderLine[]): boolean {
  for (const { nameLower } of set) if (nameLower === name) return true;
  return false;
}

/** Of those that are as long as one of `own`: no other can mean the same. */
function namesWithUnderscores(head: HttpRequest, own: readonly HeaderLine[]): readonly string[] {
  if (!(head instanceof RequestHead)) return head.fields.names.filter((name) => name.includes("_"));
  let found: string[] | undefined;
  const { bytes } = head;
  for (let i = 0; i < head.headerCount; i++) {
    const end = head.nameEnd(i);
    let at = head.nameStart(i);
    if (!isAsLong(end - at, own)) continue;
    while (at < end && bytes[at] !== underscore) at++;
    if (at < end) (found ??= []).push(head.nameAt(i));
  }
  return found ?? none;
}

function isAsLong(length: number, own: readonly HeaderLine[]): boolean {
  for (const { nameLower } of own) if (nameLower.length === length) return true;
  return false;
}
