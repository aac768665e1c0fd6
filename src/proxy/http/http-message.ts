/**
 * Messages on their way through the proxy, whichever version of HTTP they came in. Between two sides of the same version
 * they pass as they are; `to-http1.ts` and `to-http2.ts` translate for the others.
 */
import { RequestHead, type ResponseHead } from "../../http1/index.ts";
import type { HeaderFields } from "../../http2/index.ts";
import type { Http2Request } from "./http2-request.ts";
import type { Http2Response } from "./http2-response.ts";

export type HttpRequest = RequestHead | Http2Request;
export type HttpResponse = ResponseHead | Http2Response;
/** HTTP/1.1: lines that each end in CRLF. HTTP/2: fields. */
export type Trailers = Uint8Array | HeaderFields;

export type HttpVersion = 1 | 2;

/** In the place of what a request's head says; undefined: as it came. */
export interface RequestRewrite {
  /** Path and query. */
  readonly target: string | undefined;
  readonly authority: string | undefined;
}

/** The request has nothing after its head. */
export function isBodiless(request: HttpRequest): boolean {
  if (!(request instanceof RequestHead)) return request.isEnd;
  return request.body === "none" || (request.body === "length" && request.contentLength === 0);
}

/** The protocol that a client asks to switch to: an Upgrade field, or extended CONNECT. */
export function upgradeOf(request: HttpRequest): string | undefined {
  return request instanceof RequestHead ? request.upgrade : request.protocol;
}

/** CONNECT without a protocol: a tunnel to the authority. */
export function isPlainConnect(request: HttpRequest): boolean {
  return request.method === "CONNECT" && upgradeOf(request) === undefined;
}

/** The answer opens a tunnel: HTTP/1.1 says 101, or 2xx to CONNECT; HTTP/2 says 2xx to either. */
export function isSwitch(
  request: HttpRequest,
  response: HttpResponse,
  upstreamVersion: HttpVersion | undefined,
): boolean {
  if (response.status === 101) return true;
  if (response.status < 200 || response.status > 299) return false;
  return isPlainConnect(request) || (upstreamVersion === 2 && upgradeOf(request) !== undefined);
}
