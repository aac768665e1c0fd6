/** `authority` is the Host header or `:authority`. Without the port; brackets of an IPv6 address stay. */
export function hostOf(authority: string): string {
  const bracket = authority.startsWith("[") ? authority.indexOf("]") : -1;
  const colon = authority.indexOf(":", bracket + 1);
  return colon < 0 ? authority : authority.slice(0, colon);
}
