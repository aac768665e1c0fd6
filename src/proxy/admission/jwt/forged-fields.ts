/**
 * What clients send under names that the mesh sets. Also with "_" in the place of "-": programs that read fields as variables of an
 * environment (CGI, WSGI, Rack, PHP) see one name for both.
 */
import { RequestHead } from "../../../http1/index.ts";
import type { HttpRequest } from "../../http/index.ts";
import type { FilteredExchange } from "../filter.ts";

const underscore = 0x5f;

/** Takes away all of them but those in `set`, which replace what came. */
export function removeForged(
  names: readonly string[],
  set: ReadonlySet<string>,
  exchange: Pick<FilteredExchange, "head" | "removeRequestHeader">,
): void {
  const { head } = exchange;
  for (const name of names) if (!set.has(name)) exchange.removeRequestHeader(name);
  if (head === undefined) return;
  for (const alias of namesWithUnderscores(head)) {
    const meant = alias.replaceAll("_", "-");
    if (names.some((name) => name !== alias && name.replaceAll("_", "-") === meant))
      exchange.removeRequestHeader(alias);
  }
}

function namesWithUnderscores(head: HttpRequest): string[] {
  if (!(head instanceof RequestHead)) return head.fields.names.filter((name) => name.includes("_"));
  const found: string[] = [];
  let at = -1;
  for (let i = 0; i < head.headerCount; i++) {
    const start = head.nameStart(i);
    if (at < start) at = head.bytes.indexOf(underscore, start);
    if (at < 0 || at >= head.fieldsEnd) break;
    if (at < head.nameEnd(i)) found.push(head.nameAt(i));
  }
  return found;
}
