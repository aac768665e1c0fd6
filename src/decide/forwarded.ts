/**
 * Where a request came from, as proxies in front tell it in `x-forwarded-for`: who is believed, and which entry is the client's.
 * What clients say of that is made up, unless so many proxies of the operator's own stand in front
 * (`MeshConfig.spec.security.trustedHops`).
 */
import { canonicalIp } from "../kernel/index.ts";

/** At a gateway: the client's, as the hop in front of the trusted ones shows it; of a chain that is too short, the connection's peer. */
export function remoteAddressAtGateway(
  chain: string | undefined,
  trustedHops: number,
  peerAddress: string,
): string {
  if (trustedHops === 0) return peerAddress;
  return fromRight(chain, trustedHops) ?? peerAddress;
}

/** Behind a gateway of the mesh, which says who its client is. Behind the client's stand the hops that gateways trust, each written by the next one. */
export function remoteAddressBehindGateway(
  chain: string | undefined,
  trustedHops: number,
  peerAddress: string,
): string {
  return fromRight(chain, trustedHops + 1) ?? fromRight(chain, 1) ?? peerAddress;
}

/** The entry that so many proxies have written behind: 1 is the last one. Undefined: there are not so many, or it is no address. */
function fromRight(chain: string | undefined, place: number): string | undefined {
  const entry = chain?.split(",").at(-place)?.trim();
  return entry === undefined ? undefined : canonicalIp(entry);
}

/** Names under which only proxies speak of a request's origin. */
export function speaksOfOrigin(nameLower: string): boolean {
  return nameLower.startsWith("x-forwarded-") || nameLower === "forwarded" || nameLower === "x-real-ip";
}

const set: ReadonlySet<string> = new Set([
  "x-forwarded-for",
  "x-forwarded-proto",
  "x-forwarded-host",
  "x-forwarded-client-cert",
]);

/** Taken away where nobody in front is trusted; those that a gateway sets anyway are not among them. */
export function isMadeUpOrigin(nameLower: string): boolean {
  return speaksOfOrigin(nameLower) && !set.has(nameLower);
}

/** Undefined: what is there stays. Empty: what is there goes, and nothing is said. */
export interface ForwardedValues {
  readonly for: string | undefined;
  readonly proto: string | undefined;
  readonly host: string | undefined;
}

/** Behind trusted proxies: what they said stays, and the chain grows. `told`: undefined where nobody said it. */
export function forwardedBehindTrusted(
  told: ForwardedValues,
  own: { readonly address: string; readonly scheme: "http" | "https"; readonly authority: string },
): ForwardedValues {
  const { address, scheme, authority } = own;
  const chain = told.for;
  return {
    for: chain === undefined ? address : address === "" ? undefined : `${chain}, ${address}`,
    proto: told.proto === undefined ? scheme : undefined,
    host: told.host === undefined ? authority : undefined,
  };
}
