export {
  ApiClient,
  type ApiClientOptions,
  type ClientWatchEvent,
  deletionOf,
  type JoinTokenOptions,
  type ListOptions,
  type ListResult,
  type ObjectName,
  type WatchOptions,
} from "./api-client.ts";
