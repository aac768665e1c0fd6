export { type AccessQuestion, ApiClient } from "./api-client.ts";
export type { TapQuery } from "./tap.ts";
export type { TransportTls } from "./transport.ts";
