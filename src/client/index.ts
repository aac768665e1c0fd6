export { ApiClient } from "./api-client.ts";
