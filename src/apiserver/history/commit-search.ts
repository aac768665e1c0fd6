/** Finds commits: the newest that fit, a page at a time, or those around a moment. Bounded in what one question reads. */
import type { Commit, Store } from "../../store/index.ts";

/** Read in one step; between steps other requests get their turn. */
const pageSize = 50;
/** Commits that one question looks at; then it says where to go on. */
const maxScanned = 2_000;

export interface SearchResult {
  /** Newest first. */
  readonly commits: readonly Commit[];
  /** There may be more before this revision. */
  readonly continueBefore: number | undefined;
}

export interface SearchOptions {
  readonly limit: number;
  readonly before: number | undefined;
  readonly fits: (commit: Commit) => boolean;
}

export async function searchCommits(store: Store, options: SearchOptions): Promise<SearchResult> {
  const { limit, fits } = options;
  const commits: Commit[] = [];
  let before = options.before ?? store.revision + 1;
  for (let scanned = 0; scanned < maxScanned; scanned += pageSize) {
    const page = await store.history(pageSize, before);
    for (const commit of page) {
      before = commit.revision;
      if (!fits(commit)) continue;
      commits.push(commit);
      if (commits.length === limit) return { commits, continueBefore: before > 1 ? before : undefined };
    }
    if (page.length < pageSize) return { commits, continueBefore: undefined };
    await new Promise((resolve) => setImmediate(resolve));
  }
  return { commits, continueBefore: before };
}

/** The newest revision that was made at `timeMs` or before; 0 where all that are known are younger. */
async function revisionAt(store: Store, timeMs: number): Promise<number> {
  let [low, high] = [0, store.revision];
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    const [commit] = await store.history(1, middle + 1);
    // What is forgotten is older than anything that is asked about.
    if (commit === undefined || commit.timeMs <= timeMs) low = middle;
    else high = middle - 1;
  }
  return low;
}

/** The one before the moment and those behind it, together `limit`: half of them on each side where there are enough. */
export async function searchAround(
  store: Store,
  timeMs: number,
  { limit, fits }: Omit<SearchOptions, "before">,
): Promise<SearchResult> {
  const middle = await revisionAt(store, timeMs);
  const older = await searchCommits(store, { limit: Math.ceil(limit / 2), before: middle + 1, fits });
  const newer: Commit[] = [];
  let upTo = middle;
  for (let scanned = 0; newer.length < Math.floor(limit / 2) && upTo < store.revision; scanned += pageSize) {
    if (scanned >= maxScanned) break;
    const next = Math.min(store.revision, upTo + pageSize);
    const page = await store.history(next - upTo, next + 1);
    newer.push(...page.filter(fits).toReversed());
    upTo = next;
    await new Promise((resolve) => setImmediate(resolve));
  }
  return {
    commits: [...newer.slice(0, Math.floor(limit / 2)).toReversed(), ...older.commits],
    continueBefore: older.continueBefore,
  };
}
