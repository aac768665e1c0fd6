/** Loaded by the first policy that asks over gRPC: the messages' descriptors cost memory that other proxies need not pay. */
export { encodeCheckRequest } from "./check-request.ts";
export { decodeCheckResponse } from "./check-response.ts";
