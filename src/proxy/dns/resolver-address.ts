/** How the place of a resolver is written. */
const dnsPort = 53;

/** `address`, `address:port` or `[address]:port`. */
export function parseResolver(text: string): { readonly address: string; readonly port: number } {
  const match = /^\[(?<v6>[^\]]+)\]:(?<port6>\d+)$|^(?<v4>[^:]+):(?<port4>\d+)$/.exec(text)?.groups;
  if (match === undefined) return { address: text, port: dnsPort };
  return { address: match["v6"] ?? match["v4"] ?? text, port: Number(match["port6"] ?? match["port4"]) };
}
