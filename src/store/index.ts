export { openSqliteStore } from "./sqlite-store.ts";
export type {
  Commit,
  OperationalWrite,
  Store,
  WatchEvent,
  Write,
} from "./store.ts";
