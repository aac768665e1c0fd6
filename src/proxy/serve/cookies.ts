/** Cookies that the proxy itself reads and sets (RFC 6265). */

export interface CookieOptions {
  readonly path: string;
  /** Undefined: until the browser ends. */
  readonly maxAgeSeconds: number | undefined;
  /** The client came over TLS. */
  readonly isSecure: boolean;
}

/** Of the first cookie of that name. `header`: all Cookie fields, joined by ";" or ",", neither of which a value has. */
export function cookieValue(header: string, name: string): string | undefined {
  const start = `${name}=`;
  for (let at = header.indexOf(start); at >= 0; at = header.indexOf(start, at + 1)) {
    if (at > 0 && !isSeparator(header.charCodeAt(at - 1))) continue;
    let end = at + start.length;
    while (end < header.length && !isSeparator(header.charCodeAt(end))) end++;
    return header.slice(at + start.length, end);
  }
  return undefined;
}

function isSeparator(code: number): boolean {
  return code === 0x3b || code === 0x2c || code === 0x20;
}

/** No script reads it, and other sites' forms do not send it. */
export function setCookie(name: string, value: string, options: CookieOptions): string {
  const { path, maxAgeSeconds, isSecure } = options;
  const age = maxAgeSeconds === undefined ? "" : `; Max-Age=${maxAgeSeconds}`;
  return `${name}=${value}; Path=${path}${age}; HttpOnly; SameSite=Lax${isSecure ? "; Secure" : ""}`;
}

/** RFC 6265 section 4.1.1. */
export function isCookieName(text: string): boolean {
  return /^[A-Za-z0-9!#$%&'*+.^_`|~-]+$/.test(text);
}

export function isCookiePath(text: string): boolean {
  return /^\/[!-:<-~]*$/.test(text);
}
