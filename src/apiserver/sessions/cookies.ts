/** The session's cookie, and whether a request that carries it was made by a page of ours. */
import { createHash, timingSafeEqual } from "node:crypto";
import { WeftError } from "../../kernel/index.ts";
import type { Session } from "./session-table.ts";

const csrfHeader = "weft-csrf";

/** `__Host-`: the browser takes it from TLS only, for this host alone and for all of it. */
export function sessionCookieName(isTls: boolean): string {
  return isTls ? "__Host-weft-session" : "weft-session";
}

export function cookieText(
  name: string,
  value: string,
  {
    isTls,
    maxAgeSeconds,
    sameSite = "Strict",
  }: { isTls: boolean; maxAgeSeconds: number; sameSite?: "Strict" | "Lax" },
): string {
  const secure = isTls ? "; Secure" : "";
  return `${name}=${value}; Path=/; HttpOnly; SameSite=${sameSite}; Max-Age=${maxAgeSeconds}${secure}`;
}

export function readCookie(http: Request, name: string): string | undefined {
  for (const part of (http.headers.get("cookie") ?? "").split(";")) {
    const [key, value] = part.split("=", 2);
    if (key?.trim() === name) return value?.trim();
  }
  return undefined;
}

/** Throws `forbidden` where another site's page may have made the request: a cookie comes along without being asked. */
export function refuseForgery(http: Request, session: Session, origin: string): void {
  refuseOtherSites(http, origin);
  if (http.method === "GET" || http.method === "HEAD") return;
  if (sameText(http.headers.get(csrfHeader) ?? "", session.csrfToken)) return;
  throw new WeftError("forbidden", `a session's write needs its token in the header ${csrfHeader}`, {
    hint: "GET /auth/session tells it",
  });
}

/** By what the browser itself says, which no page can forge. */
export function refuseOtherSites(http: Request, origin: string): void {
  const site = http.headers.get("sec-fetch-site");
  const from = http.headers.get("origin");
  const isOwn =
    (site === null || site === "same-origin" || site === "none") && (from === null || from === origin);
  if (!isOwn) throw new WeftError("forbidden", "a page of another site made this request");
}

export function sameText(a: string, b: string): boolean {
  const hash = (text: string): Uint8Array => createHash("sha256").update(text).digest();
  return timingSafeEqual(hash(a), hash(b));
}
