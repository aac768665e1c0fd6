/**
 * What a store is: all objects, one commit at a time, their history, and a watch. Two kinds of write: commits are
 * operators' resources, make a revision and stand in the history; operational writes are status and membership, only
 * move the sequence and stand in no history. Every write takes the next sequence, which is the object's resourceVersion.
 */
import type { ApiObject, KindName, LabelRequirement, ObjectKey, Stored, StoredOfKind } from "../api/index.ts";

/** All but `status`, which a commit never changes. */
export type Write =
  | {
      readonly type: "put";
      readonly object: ApiObject;
      /** The write is refused where the object's is another; "" stands for: must not exist. */
      readonly expectedResourceVersion?: string | undefined;
    }
  | {
      readonly type: "delete";
      readonly key: ObjectKey;
      readonly expectedResourceVersion?: string | undefined;
    };

export type OperationalWrite =
  | Write
  /** Replaces the `status` of what is there; the rest of `object` is not looked at, except its name. */
  | {
      readonly type: "status";
      readonly object: ApiObject;
      readonly expectedResourceVersion?: string | undefined;
    };

/** Before and after, without `status`. Both absent never happens. */
export interface Change {
  readonly key: ObjectKey;
  readonly before?: ApiObject;
  readonly after?: ApiObject;
}

export interface CommitMeta {
  readonly author: string;
  /** Why. */
  readonly message: string;
  /** Where it comes from, in the words of whoever wrote it: the commit of a repository. Empty or absent: not said. */
  readonly source?: string | undefined;
}

/** What a caller of `commit` says besides. */
export interface CommitOptions extends CommitMeta {
  /** Becomes the store's `anchor`, in the same step as the commit. */
  readonly anchor?: string | undefined;
  /**
   * The revision that the writes were planned on, where more than their own objects was looked at. Refused with `conflict`
   * and `fields.revision` (the newest) where somebody has committed since.
   */
  readonly plannedOn?: number | undefined;
}

export interface Commit extends CommitMeta {
  readonly revision: number;
  readonly timeMs: number;
  readonly changes: readonly Change[];
}

export interface WriteResult {
  readonly sequence: number;
  /** In the order of the writes; for a deletion the last state. */
  readonly objects: readonly Stored[];
}

export interface CommitResult extends WriteResult {
  readonly revision: number;
}

export interface WatchEvent {
  readonly type: "added" | "modified" | "deleted";
  readonly sequence: number;
  /** The newest revision at the time of the write. */
  readonly revision: number;
  readonly key: ObjectKey;
  /** For deleted: the last state. */
  readonly object: Stored;
}

export interface ListSelector<K extends KindName = KindName> {
  readonly kind: K;
  /** Absent: all namespaces. */
  readonly namespace?: string | undefined;
  readonly labels?: readonly LabelRequirement[] | undefined;
}

export interface Listing<K extends KindName = KindName> {
  /** Sorted by namespace, then name. */
  readonly items: readonly StoredOfKind<K>[];
  /** Watch from here to miss nothing. */
  readonly sequence: number;
}

export interface Store {
  /** Number of the newest commit; 0 before the first. */
  readonly revision: number;
  /** Number of the newest write. */
  readonly sequence: number;
  /** A short text that somebody left with a commit or by `setAnchor`: a log beside the store shows by it that it is whole. */
  readonly anchor: string | undefined;
  get<K extends KindName>(key: ObjectKey & { readonly kind: K }): StoredOfKind<K> | undefined;
  list<K extends KindName>(selector: ListSelector<K>): Listing<K>;
  /** All or nothing. Rejects with WeftError conflict, not_found, bad_input or io; then nothing has changed. */
  commit(writes: readonly Write[], options: CommitOptions): Promise<CommitResult>;
  /** All or nothing, in no history; leaves `revision` alone. A status for an object that is gone is left out. */
  writeOperational(writes: readonly OperationalWrite[]): Promise<WriteResult>;
  /** Neither a revision nor an event. Throws `io` where it cannot be written. */
  setAnchor(anchor: string): void;
  /** Newest first; those before revision `before` where given. */
  history(limit: number, before?: number): Promise<readonly Commit[]>;
  /** The object as it was at a revision; undefined where it did not exist, "gone" where the history does not reach back so far. */
  objectAt(key: ObjectKey, revision: number): Promise<ApiObject | undefined | "gone">;
  /**
   * Every object that is another at revision `to` than at `from`, which is not above it; sorted by kind, namespace and
   * name. "gone" where the history does not reach back to `from`. Costs what the commits between the two changed.
   */
  changesBetween(from: number, to: number): Promise<readonly Change[] | "gone">;
  /**
   * Calls back, never before it returns, with every write after `fromSequence`; the writes of one commit come in one
   * call. "gone" where these are no longer retained: list again, and watch from the sequence of the listing.
   */
  watch(fromSequence: number, listener: (events: readonly WatchEvent[]) => void): (() => void) | "gone";
  /** Takes in what others have written up to now; at once where nobody else writes. Rejects with `unavailable`. */
  catchUp(): Promise<void>;
  close(): void;
}
