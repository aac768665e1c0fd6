export { openSqliteStore } from "./sqlite-store.ts";
export type {
  Change,
  Commit,
  CommitMeta,
  OperationalWrite,
  Store,
  WatchEvent,
  Write,
} from "./store.ts";
