/** A store whose writes are somebody else's to make; all else is the store's own. */
import type { ApiObject, KindName, ObjectKey, StoredOfKind } from "../../api/index.ts";
import type { Change, Commit, Listing, ListSelector, Store, WatchEvent } from "../store.ts";

export type FencedWrites = Pick<Store, "commit" | "writeOperational">;

export class FencedStore implements Store {
  readonly commit: Store["commit"];
  readonly writeOperational: Store["writeOperational"];
  readonly #store: Store;

  constructor(store: Store, { commit, writeOperational }: FencedWrites) {
    this.#store = store;
    this.commit = commit;
    this.writeOperational = writeOperational;
  }

  get revision(): number {
    return this.#store.revision;
  }

  get sequence(): number {
    return this.#store.sequence;
  }

  get anchor(): string | undefined {
    return this.#store.anchor;
  }

  get<K extends KindName>(key: ObjectKey & { readonly kind: K }): StoredOfKind<K> | undefined {
    return this.#store.get(key);
  }

  list<K extends KindName>(selector: ListSelector<K>): Listing<K> {
    return this.#store.list(selector);
  }

  setAnchor(anchor: string): void {
    this.#store.setAnchor(anchor);
  }

  history(limit: number, before?: number): Promise<readonly Commit[]> {
    return this.#store.history(limit, before);
  }

  objectAt(key: ObjectKey, revision: number): Promise<ApiObject | undefined | "gone"> {
    return this.#store.objectAt(key, revision);
  }

  changesBetween(from: number, to: number): Promise<readonly Change[] | "gone"> {
    return this.#store.changesBetween(from, to);
  }

  watch(fromSequence: number, listener: (events: readonly WatchEvent[]) => void): (() => void) | "gone" {
    return this.#store.watch(fromSequence, listener);
  }

  catchUp(): Promise<void> {
    return this.#store.catchUp();
  }

  /** The store is closed by its owner. */
  close(): void {}
}
