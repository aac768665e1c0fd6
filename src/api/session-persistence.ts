/** Session persistence of a rule (Gateway API v1.6, experimental channel): requests of one client stay at one endpoint. */
import type { Issue } from "../kernel/index.ts";
import { duration } from "./formats.ts";
import { object, oneOf, optional, text, type ValueOf } from "./schema.ts";

/** Gateway API's bound. */
const maxNameLength = 128;

export const sessionPersistenceSchema = object("Requests of one client stay at the endpoint of its first.", {
  sessionName: optional(
    text("Name of the cookie or header; made from the rule where absent.", { min: 0, max: maxNameLength }),
  ),
  type: oneOf("What carries the session.", ["Cookie", "Header"], { default: "Cookie" }),
  absoluteTimeout: optional(text("A session is never older than this.", duration)),
  cookieConfig: optional(
    object("Of type Cookie.", {
      lifetimeType: oneOf(
        "Session: until the browser ends. Permanent: until absoluteTimeout.",
        ["Permanent", "Session"],
        { default: "Session" },
      ),
    }),
  ),
});
export type SessionPersistence = ValueOf<typeof sessionPersistenceSchema>;

export function checkSessionPersistence(session: SessionPersistence | undefined, path: string): Issue[] {
  const issues: Issue[] = [];
  if (session?.cookieConfig === undefined) return issues;
  if (session.type !== "Cookie") {
    issues.push({ path: `${path}.cookieConfig`, message: "must be absent where type is not Cookie" });
  }
  if (session.cookieConfig.lifetimeType === "Permanent" && session.absoluteTimeout === undefined) {
    issues.push({
      path: `${path}.absoluteTimeout`,
      message: "is required where cookieConfig.lifetimeType is Permanent",
    });
  }
  return issues;
}
