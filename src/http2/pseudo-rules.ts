/** What single fields must hold, and which pseudo-headers make a request (RFC 9113, sections 8.2.2 and 8.3; RFC 8441). */
import { consistsOf, isAuthorityByte, isPathByte, isSchemeByte, isTokenByte } from "./characters.ts";

/** Of one hop, and HTTP/1.1's (section 8.2.2). */
export const connectionFields: ReadonlySet<string> = new Set([
  "connection",
  "proxy-connection",
  "keep-alive",
  "transfer-encoding",
  "upgrade",
]);

export interface RequestPseudo {
  readonly method: string | undefined;
  readonly scheme: string | undefined;
  readonly path: string | undefined;
  readonly authority: string | undefined;
  readonly protocol: string | undefined;
}

export function requestPseudoProblem(
  { method, scheme, path, authority, protocol }: RequestPseudo,
  acceptsExtendedConnect: boolean,
): string | undefined {
  if (method === undefined || !isToken(method)) return ":method is missing or no token";
  if (authority !== undefined && !consistsOf(authority, isAuthorityByte)) return ":authority is malformed";
  if (method === "CONNECT") {
    if (authority === undefined || authority === "") return "CONNECT without :authority";
    if (protocol === undefined) {
      return scheme === undefined && path === undefined ? undefined : "CONNECT with :scheme or :path";
    }
  }
  if (protocol !== undefined) {
    if (!acceptsExtendedConnect) return ":protocol was not announced as acceptable";
    if (method !== "CONNECT" || !isToken(protocol)) return ":protocol is no token or without CONNECT";
  }
  if (scheme === undefined || !isScheme(scheme)) return ":scheme is missing or malformed";
  if (path === undefined || !isPath(path, method)) return ":path is missing or malformed";
  return undefined;
}

/** Undefined: no length that a message can have. */
export function contentLengthValue(text: string): number | undefined {
  const digits = text.length;
  if (digits === 0 || digits > 16) return undefined;
  let value = 0;
  for (let i = 0; i < digits; i++) {
    const digit = text.charCodeAt(i) - 0x30;
    if (digit < 0 || digit > 9) return undefined;
    value = value * 10 + digit;
  }
  return value <= Number.MAX_SAFE_INTEGER ? value : undefined;
}

function isToken(text: string): boolean {
  return text !== "" && consistsOf(text, isTokenByte);
}

function isScheme(scheme: string): boolean {
  if (scheme === "http" || scheme === "https") return true;
  return /^[A-Za-z]/.test(scheme) && consistsOf(scheme, isSchemeByte);
}

/** Origin form, or an asterisk for OPTIONS. */
function isPath(path: string, method: string): boolean {
  if (path === "*") return method === "OPTIONS";
  return path.charCodeAt(0) === 0x2f && consistsOf(path, isPathByte);
}
