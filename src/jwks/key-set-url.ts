/** Where a key set may be fetched from. Whoever may write a policy chooses the address, and the control plane goes there. */
import { formatIp, parseIp, Prefix } from "../kernel/index.ts";

export interface KeySetUrl {
  readonly isTls: boolean;
  /** Without brackets. */
  readonly host: string;
  readonly port: number;
  /** For Host. */
  readonly authority: string;
  /** Path and query. */
  readonly target: string;
}

/** Or why nothing is fetched from there. */
export function parseKeySetUrl(text: string): KeySetUrl | string {
  if (!URL.canParse(text)) return "it is no URL";
  const url = new URL(text);
  const isTls = url.protocol === "https:";
  if (!isTls && url.protocol !== "http:") return "only https and http are fetched";
  if (url.username !== "" || url.password !== "") return "a URL with a user or password is not fetched";
  return {
    isTls,
    host: url.hostname.replace(/^\[|\]$/g, ""),
    port: url.port === "" ? (isTls ? 443 : 80) : Number(url.port),
    authority: url.host,
    target: `${url.pathname}${url.search}`,
  };
}

/** Nobody's issuer lives there, but services that trust whoever can reach them. */
const refused: readonly (readonly [prefix: string, what: string])[] = [
  ["169.254.0.0/16", "link-local, where clouds keep their metadata"],
  ["fe80::/10", "link-local"],
  ["fd00:ec2::254/128", "a cloud's metadata"],
  ["100.100.100.200/32", "a cloud's metadata"],
  ["168.63.129.16/32", "a cloud's metadata"],
  ["0.0.0.0/8", "no address of a host"],
  ["::/128", "no address of a host"],
  ["224.0.0.0/3", "multicast or reserved"],
  ["ff00::/8", "multicast"],
];
const loopback = ["127.0.0.0/8", "::1/128"];
/** IPv6 addresses whose last four bytes are an IPv4 address that a translator dials (RFC 6052). */
const translated = Prefix.parse("64:ff9b::/96");

const refusedPrefixes = refused.flatMap(([prefix, what]) => {
  const parsed = Prefix.parse(prefix);
  return parsed === undefined ? [] : [{ prefix: parsed, what }];
});
const loopbackPrefixes = loopback.flatMap((prefix) => Prefix.parse(prefix) ?? []);

/** Why nothing is fetched from the address; undefined: it may be. */
export function refusedAddress(address: string, allowsLoopback: boolean): string | undefined {
  const bytes = dialledBytes(address);
  if (bytes === undefined) return `${address} is no IP address`;
  const found = refusedPrefixes.find(({ prefix }) => prefix.contains(bytes));
  if (found !== undefined) return `${address} is ${found.what}`;
  if (allowsLoopback || !loopbackPrefixes.some((prefix) => prefix.contains(bytes))) return undefined;
  return `${address} is a loopback address; --jwks-allow-loopback lets keys be fetched from there`;
}

function dialledBytes(address: string): Uint8Array | undefined {
  const bytes = parseIp(address.replace(/%.*$/, ""));
  if (bytes === undefined) return undefined;
  // Canonical text turns a mapped address into the IPv4 address that the system dials.
  return translated?.contains(bytes) === true ? bytes.subarray(12) : parseIp(formatIp(bytes));
}
