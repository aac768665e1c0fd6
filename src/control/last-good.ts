/** What held of objects before a version that cannot be used: after a start only the history knows it. */
import { type ApiObject, isStored, keyText, type ObjectKey, type Stored } from "../api/index.ts";
import type { Store } from "../store/index.ts";

/** Whoever leaves a broken object alone for longer than this finds it without effect after the next start. */
const maxCommits = 2_000;
const pageSize = 100;

/** Of each the newest version in the history that `isUsable`; those that have none are left out. */
export async function lastGoodVersions(
  store: Pick<Store, "history">,
  keys: readonly ObjectKey[],
  isUsable: (version: Stored) => boolean,
): Promise<Stored[]> {
  const wanted = new Set(keys.map(keyText));
  const found: Stored[] = [];
  let before: number | undefined;
  for (let seen = 0; seen < maxCommits && wanted.size > 0; seen += pageSize) {
    const page = await store.history(pageSize, before);
    for (const { key, after } of page.flatMap(({ changes }) => changes)) {
      if (!wanted.has(keyText(key))) continue;
      // Gone in between: what comes after is another object.
      if (after === undefined) wanted.delete(keyText(key));
      const version = after && asStored(after);
      if (version === undefined || !isUsable(version)) continue;
      wanted.delete(keyText(key));
      found.push(version);
    }
    before = page.at(-1)?.revision;
    if (page.length < pageSize) break;
  }
  return found;
}

/** The history has all but the version that a write checks. */
function asStored(object: ApiObject): Stored | undefined {
  const version = structuredClone(object);
  Object.assign(version.metadata, { resourceVersion: "0" });
  return isStored(version) ? version : undefined;
}
