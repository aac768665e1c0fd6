/** Times as Kubernetes writes them: RFC 3339 in UTC, to the second, so that two of them compare as texts. */

export function secondsText(unixMs: number): string {
  return new Date(unixMs).toISOString().replace(/\.\d+Z$/, "Z");
}
