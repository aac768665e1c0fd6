/** What an answer says to another origin's page, where that is not what Gateway API's filter asks for. */
import type { CorsAnswer } from "./cors-by-the-text.ts";
import type { Differences } from "./differences.ts";

/** `found`: the answer's fields by name in lower case. */
export function compareCors(
  differences: Differences,
  { isPreflight, isAllowed, origin, requestedMethod, cors }: CorsAnswer,
  found: (name: string) => string | undefined,
): void {
  const allowed = found("access-control-allow-origin");
  if (!isAllowed) {
    differences.compare("access-control-allow-origin", allowed, undefined);
    return;
  }
  const { allowOrigins, allowCredentials = false, allowMethods = [], maxAge = 5 } = cors;
  // Without credentials either says that anybody may.
  const isAnybody = allowOrigins.includes("*") && !allowCredentials && allowed === "*";
  if (!isAnybody) differences.compare("access-control-allow-origin", allowed, origin);
  const credentials = found("access-control-allow-credentials");
  differences.compare("access-control-allow-credentials", credentials, allowCredentials ? "true" : undefined);
  if (!isPreflight) return;
  differences.compare("access-control-max-age", found("access-control-max-age"), String(maxAge));
  const methods = (found("access-control-allow-methods") ?? "").split(",").map((each) => each.trim());
  const isListed = allowMethods.includes("*") || allowMethods.includes(requestedMethod);
  // With credentials a browser takes the wildcard for a method's name.
  const isTold = methods.includes(requestedMethod) || (methods.includes("*") && !allowCredentials);
  // Of GET, HEAD and POST a browser asks nobody's leave.
  if (isListed || !["GET", "HEAD", "POST"].includes(requestedMethod)) {
    differences.compare(`allows ${requestedMethod}`, isTold, isListed);
  }
}
