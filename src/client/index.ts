export { type AccessQuestion, ApiClient } from "./api-client.ts";
