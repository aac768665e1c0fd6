/** What every answer tells a browser: run nothing, embed nothing, keep nothing, guess nothing. */

const always: readonly (readonly [string, string])[] = [
  [
    "content-security-policy",
    "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  ],
  ["x-content-type-options", "nosniff"],
  ["x-frame-options", "DENY"],
  ["referrer-policy", "no-referrer"],
  ["cross-origin-opener-policy", "same-origin"],
  ["cross-origin-resource-policy", "same-origin"],
  ["cache-control", "no-store"],
];
const yearSeconds = 31_536_000;

/** A part that answers pages may have set its own policy, which must be as strict. */
export function withSecurityHeaders(response: Response, id: string, isTls: boolean): Response {
  for (const [name, value] of always) if (!response.headers.has(name)) response.headers.set(name, value);
  response.headers.set("x-request-id", id);
  if (isTls) response.headers.set("strict-transport-security", `max-age=${yearSeconds}`);
  return response;
}
