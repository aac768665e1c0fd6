/** The slow matcher that the fast one is compared with: tries every listener and entry, and keeps the most specific. */
import type { GatewayListener } from "../../model/index.ts";

export function selectListenerNaively(
  listeners: readonly GatewayListener[],
  serverName: string | undefined,
): GatewayListener | undefined {
  return mostSpecific(
    listeners.map((listener) => ({ hostname: listener.hostname, value: listener })),
    serverName,
  );
}

/** The cluster. */
export function pickNaively(
  listeners: readonly GatewayListener[],
  serverName: string | undefined,
  random: number,
): string | undefined {
  const routing = selectListenerNaively(listeners, serverName)?.connections;
  const entries = (routing?.entries ?? []).flatMap(({ hostnames, rule }) =>
    (hostnames.length === 0 ? ["*"] : hostnames).map((hostname) => ({ hostname, value: rule })),
  );
  const rule = mostSpecific(entries, serverName);
  const backends = (rule === undefined ? undefined : routing?.rules[rule])?.backends ?? [];
  // Each backend as often as its weight says.
  const shares = backends.flatMap(({ cluster, weight }) => Array.from({ length: weight }, () => cluster));
  return shares[Math.floor(random * shares.length)];
}

function mostSpecific<T>(
  candidates: readonly { readonly hostname: string; readonly value: T }[],
  serverName: string | undefined,
): T | undefined {
  const name = serverName?.toLowerCase().replace(/\.$/, "");
  const matching = candidates.filter(({ hostname }) => {
    if (hostname === "*") return true;
    if (name === undefined) return false;
    return hostname.startsWith("*.")
      ? name.endsWith(hostname.slice(1)) && name.length > hostname.length - 1
      : name === hostname;
  });
  const rank = (hostname: string): number =>
    hostname === "*" ? 0 : hostname.startsWith("*.") ? hostname.length : 1_000;
  // Stable: of equals the first stays ahead.
  return matching.toSorted((a, b) => rank(b.hostname) - rank(a.hostname))[0]?.value;
}
