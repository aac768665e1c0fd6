/** A request as routing looks at it, from its target. */
import type { HttpRequestView } from "../request-view.ts";

export function requestOf(
  target: string,
  init: { readonly method?: string; readonly headers?: Readonly<Record<string, string>> } = {},
): HttpRequestView {
  const [path = "", ...query] = target.split("?");
  return {
    method: init.method ?? "GET",
    path,
    query: query.join("?"),
    header: (name) => init.headers?.[name],
  };
}
