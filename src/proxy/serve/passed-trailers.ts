/**
 * What of a request's trailers goes on: programs may read them as if they were headers, so no client may say there what the
 * mesh says in the head, nor what a policy or a route has taken from it.
 */
import type { HeadEdits } from "../../http1/index.ts";
import { isSameName, type Trailers, trailersWithout } from "../http/index.ts";

/** What proxies say of the caller and to each other, whether they say it of this request or not. */
const ofTheMesh = /^(?:weft[-_]|x[-_]forwarded[-_](?:client[-_]cert|for|proto)$|x[-_]request[-_]id$)/;

export function passedTrailers(
  trailers: Trailers | undefined,
  filters: { readonly changedNames: readonly string[] } | undefined,
  route: { readonly requestEdits: HeadEdits | undefined } | undefined,
): Trailers | undefined {
  if (trailers === undefined) return undefined;
  const edits = route?.requestEdits;
  const set = edits?.set.map(({ nameLower }) => nameLower) ?? [];
  const changed = [...(filters?.changedNames ?? []), ...set, ...(edits?.remove ?? [])];
  return trailersWithout(
    trailers,
    (name) => ofTheMesh.test(name) || changed.some((each) => isSameName(each, name)),
  );
}
