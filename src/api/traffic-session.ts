/** Section `sessionPersistence` of TrafficPolicy (GEP-1619): sessions that stay with one endpoint. */
import type { Issue } from "../kernel/index.ts";
import { cookieName } from "./formats.ts";
import { timeSpan } from "./measures.ts";
import { object, oneOf, optional, text, type ValueOf } from "./schema.ts";

export const trafficSessionSchema = object("Requests of one session go to one endpoint while it lives.", {
  sessionName: optional(text("Name of the cookie or header that carries the session.", cookieName)),
  type: oneOf("What carries the session.", ["Cookie", "Header"], { default: "Cookie" }),
  absoluteTimeout: optional(
    timeSpan("The session ends after this long.", { min: "1s", max: "9600h", zero: "none" }),
  ),
  idleTimeout: optional(
    timeSpan("The session ends when no request of it came for this long.", {
      min: "1s",
      max: "9600h",
      zero: "none",
    }),
  ),
  cookieConfig: optional(
    object("How the cookie lives.", {
      lifetimeType: oneOf(
        "Session: until the browser closes. Permanent: until absoluteTimeout has passed.",
        ["Permanent", "Session"],
        { default: "Session" },
      ),
    }),
  ),
});
type TrafficSession = ValueOf<typeof trafficSessionSchema>;

export function checkTrafficSession(session: TrafficSession, path: string): Issue[] {
  const issues: Issue[] = [];
  if (session.cookieConfig !== undefined && session.type !== "Cookie") {
    issues.push({ path: `${path}.cookieConfig`, message: "can only be set with type Cookie" });
  }
  if (session.cookieConfig?.lifetimeType === "Permanent" && session.absoluteTimeout === undefined) {
    issues.push({
      path: `${path}.absoluteTimeout`,
      message: "must be specified when cookie lifetimeType is Permanent",
    });
  }
  return issues;
}
