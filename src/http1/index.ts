export { chunkEnd, encodeChunk, encodeChunkHead, encodeLastChunk } from "./encode-body.ts";
export { continueResponse, type ErrorResponse, encodeErrorResponse } from "./encode-error-response.ts";
export {
  encodeRequestHead,
  encodeResponseHead,
  type RequestHeadOptions,
  type ResponseHeadOptions,
} from "./encode-head.ts";
export { type HeadEdits, type HeaderLine, headerLine } from "./header-line.ts";
export { defaultHttp1Limits, type Http1Limits } from "./limits.ts";
export { type BodyKind, MessageHead } from "./message-head.ts";
export { RequestHead, type TargetForm } from "./request-head.ts";
export { RequestParser, type RequestSink } from "./request-parser.ts";
export { ResponseHead } from "./response-head.ts";
export { ResponseParser, type ResponseSink } from "./response-parser.ts";
