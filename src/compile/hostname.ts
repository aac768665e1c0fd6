/** Hostnames of listeners and routes: exact, `*.suffix` (any number of labels before the suffix), or `*`. */

/** The hostnames that both mean; undefined where there are none. An absent one means all. */
export function intersectHostnames(a: string | undefined, b: string | undefined): string | undefined {
  const left = a === undefined || a === "" ? "*" : a;
  const right = b === undefined || b === "" ? "*" : b;
  if (coversHostname(left, right)) return right;
  return coversHostname(right, left) ? left : undefined;
}

/** Every name that `specific` means, `general` means too. */
export function coversHostname(general: string, specific: string): boolean {
  if (general === "*" || general === specific) return true;
  if (!general.startsWith("*.")) return false;
  const suffix = general.slice(1);
  return specific.endsWith(suffix) && specific.length > suffix.length;
}

/** Gateway API's order: exact before wildcard, then the longer. */
export function compareSpecificity(a: string, b: string): number {
  return rank(a) - rank(b) || b.length - a.length || (a < b ? -1 : a > b ? 1 : 0);
}

function rank(hostname: string): number {
  if (hostname === "*") return 2;
  return hostname.startsWith("*.") ? 1 : 0;
}
