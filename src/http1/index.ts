export { chunkEnd, encodeChunkHead, encodeLastChunk } from "./encode-body.ts";
export { encodeErrorResponse } from "./encode-error-response.ts";
export {
  encodeRequestHead,
  encodeResponseHead,
  type ResponseHeadOptions,
} from "./encode-head.ts";
export { type HeadEdits, headerLine, type HeaderLine, TextLine, WrittenLine } from "./header-line.ts";
export type { BodyKind, MessageHead } from "./message-head.ts";
export type { Http1Limits } from "./limits.ts";
export { RequestHead } from "./request-head.ts";
export { RequestParser, type RequestSink } from "./request-parser.ts";
export { ResponseHead } from "./response-head.ts";
export { ResponseParser, type ResponseSink } from "./response-parser.ts";
export { forbiddenInTrailers, framingNames } from "./known-fields.ts";
export { isAuthorityText, isFieldText, isTargetText } from "./text-checks.ts";
