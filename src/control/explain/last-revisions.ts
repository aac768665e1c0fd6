/** By which commit each object was changed last. Read once; from then on only the commits that came since, whoever made them. */
import { keyText, type ObjectKey } from "../../api/index.ts";
import type { Store } from "../../store/index.ts";

/** Commits that are looked back at, at first and after a pause: of what is older nothing is said. */
const maxCommits = 1_000;
/** Read in one step; between steps others get their turn. */
const pageSize = 50;

export class LastRevisions {
  readonly #store: Pick<Store, "history">;
  readonly #pause: () => Promise<void>;
  /** Of objects that there are: as many as the store holds, at most. */
  readonly #revisions = new Map<string, number>();
  #known = 0;

  constructor(store: Pick<Store, "history">, pause: () => Promise<void>) {
    this.#store = store;
    this.#pause = pause;
  }

  /** Takes in all commits up to this one. Not to be called again before it is done. */
  async follow(revision: number): Promise<void> {
    if (revision <= this.#known) return;
    const found = new Map<string, number | undefined>();
    const oldest = Math.max(this.#known, revision - maxCommits) + 1;
    let before = revision + 1;
    while (before > oldest) {
      const commits = await this.#store.history(Math.min(pageSize, before - oldest), before);
      for (const { revision: own, changes } of commits) {
        for (const { key, after } of changes) {
          const text = keyText(key);
          if (!found.has(text)) found.set(text, after === undefined ? undefined : own);
        }
      }
      const last = commits.at(-1);
      if (last === undefined) break;
      before = last.revision;
      await this.#pause();
    }
    // Where some were passed over nobody knows what they changed.
    if (before > this.#known + 1) this.#revisions.clear();
    for (const [text, own] of found) {
      if (own === undefined) this.#revisions.delete(text);
      else this.#revisions.set(text, own);
    }
    this.#known = revision;
  }

  /** Undefined: it is older than what was looked at, or gone. */
  of(key: ObjectKey): number | undefined {
    return this.#revisions.get(keyText(key));
  }
}
