export { openSqliteStore, type SqliteStoreOptions } from "./sqlite-store.ts";
export type {
  Change,
  Commit,
  CommitMeta,
  CommitResult,
  Listing,
  ListSelector,
  OperationalWrite,
  Store,
  WatchEvent,
  Write,
  WriteResult,
} from "./store.ts";
