/**
 * Everything that can be wrong with a message, as negative numbers that parse functions return in place of a position.
 * -1 is no fault: the section is not complete yet.
 */
import type { ReasonCode } from "../kernel/index.ts";
import type { Http1Limits } from "./limits.ts";

export const incomplete = -1;

export const fault = {
  bareLineFeed: -2,
  bareCarriageReturn: -3,
  emptyLines: -4,
  badMethod: -5,
  methodTooLong: -6,
  badTarget: -7,
  targetTooLong: -8,
  badVersion: -9,
  otherVersion: -10,
  leadingSpace: -11,
  badName: -12,
  spaceBeforeColon: -13,
  badValue: -14,
  tooManyFields: -15,
  headTooLarge: -16,
  badContentLength: -17,
  repeatedContentLength: -18,
  contentLengthAndTransferEncoding: -19,
  transferEncodingInHttp10: -20,
  badTransferEncoding: -21,
  unknownTransferCoding: -22,
  badConnection: -23,
  missingHost: -24,
  repeatedHost: -25,
  badHost: -26,
  hostMismatch: -27,
  targetForm: -28,
  contentInConnect: -29,
  badStatus: -30,
  unexpectedSwitch: -31,
  tooManyInterim: -32,
  badChunkSize: -33,
  chunkTooLarge: -34,
  badChunkExtension: -35,
  chunkExtensionsTooLarge: -36,
  badChunkEnd: -37,
  trailersTooLarge: -38,
} as const;

interface FaultText {
  /** Of a request; every fault of a response is `upstream_malformed`. */
  readonly reason: ReasonCode;
  readonly detail: string;
  /** Set where a bound was passed, rather than a rule broken. */
  readonly limit?: keyof Http1Limits;
}

function malformed(detail: string): FaultText {
  return { reason: "malformed_request", detail };
}

const texts: Readonly<Record<number, FaultText>> = {
  [fault.bareLineFeed]: malformed("line feed without carriage return"),
  [fault.bareCarriageReturn]: malformed("carriage return without line feed"),
  [fault.emptyLines]: malformed("more than one empty line before the start line"),
  [fault.badMethod]: malformed("method is no token"),
  [fault.methodTooLong]: { reason: "unsupported_request", detail: "method is too long" },
  [fault.badTarget]: malformed("request target is empty or has a byte that no target has"),
  [fault.targetTooLong]: {
    reason: "uri_too_long",
    detail: "request target is too long",
    limit: "maxTargetBytes",
  },
  [fault.badVersion]: malformed("protocol version is malformed"),
  [fault.otherVersion]: { reason: "unsupported_version", detail: "major version is not 1" },
  [fault.leadingSpace]: malformed("line starts with white space (obsolete line folding)"),
  [fault.badName]: malformed("field name is empty or no token"),
  [fault.spaceBeforeColon]: malformed("white space between field name and colon"),
  [fault.badValue]: malformed("control byte in a field value"),
  [fault.tooManyFields]: { reason: "headers_too_large", detail: "too many fields", limit: "maxHeaders" },
  [fault.headTooLarge]: { reason: "headers_too_large", detail: "head is too large", limit: "maxHeadBytes" },
  [fault.badContentLength]: malformed("content-length is no decimal number"),
  [fault.repeatedContentLength]: malformed("content-length is repeated"),
  [fault.contentLengthAndTransferEncoding]: malformed("both content-length and transfer-encoding"),
  [fault.transferEncodingInHttp10]: malformed("transfer-encoding in an HTTP/1.0 message"),
  [fault.badTransferEncoding]: malformed("transfer-encoding does not end in a single chunked"),
  [fault.unknownTransferCoding]: {
    reason: "unsupported_request",
    detail: "transfer coding other than chunked",
  },
  [fault.badConnection]: malformed("connection option is no token or names a field that is not the hop's"),
  [fault.missingHost]: malformed("host is missing"),
  [fault.repeatedHost]: malformed("host is repeated"),
  [fault.badHost]: malformed("host is no host and port"),
  [fault.hostMismatch]: malformed("host differs from the request target's authority"),
  [fault.targetForm]: malformed("request target's form does not fit the method"),
  [fault.contentInConnect]: malformed("content in a CONNECT request"),
  [fault.badStatus]: malformed("status line is malformed"),
  [fault.unexpectedSwitch]: malformed("protocol switch that was not asked for"),
  [fault.tooManyInterim]: malformed("too many interim responses"),
  [fault.badChunkSize]: malformed("chunk size is no hexadecimal number"),
  [fault.chunkTooLarge]: malformed("chunk size is too large"),
  [fault.badChunkExtension]: malformed("chunk extension is malformed"),
  [fault.chunkExtensionsTooLarge]: {
    ...malformed("chunk extensions are too large"),
    limit: "maxChunkExtensionBytes",
  },
  [fault.badChunkEnd]: malformed("chunk does not end where its size says"),
  [fault.trailersTooLarge]: {
    reason: "headers_too_large",
    detail: "trailers are too large",
    limit: "maxTrailerBytes",
  },
};

export function requestFault(code: number): FaultText {
  return texts[code] ?? { reason: "internal", detail: `fault ${code}` };
}

export function responseFault(code: number): FaultText {
  return { ...requestFault(code), reason: "upstream_malformed" };
}
