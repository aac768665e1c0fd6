/**
 * Where a Gateway listens: on its `spec.addresses`, or on the proxies' own gateway address. An address that the machine
 * does not have is left out, so that it costs the others nothing, and told.
 */
import { canonicalIp } from "../kernel/index.ts";
import type { GatewayHost, GatewayInput } from "./gateway-input.ts";
import { compareText } from "./resource.ts";

export interface GatewayAddresses {
  /** As the model has them: sorted, "" for the proxy's own address; empty: that one alone. */
  readonly listened: readonly string[];
  /** As the Gateway writes them. */
  readonly unusable: readonly string[];
  /** For its status. */
  readonly assigned: readonly string[];
  /** It asks for addresses and none of them can be had. */
  readonly isNowhere: boolean;
}

const wildcards: readonly string[] = ["0.0.0.0", "::"];
/** Gateway API's bound on status.addresses. */
const maxAssigned = 16;

/** `host` is undefined where nobody knows the machines: then every address may be one of theirs. */
export function gatewayAddresses(gateway: GatewayInput, host: GatewayHost | undefined): GatewayAddresses {
  const wanted = gateway.spec.addresses ?? [];
  const listened = new Set<string>();
  const unusable: string[] = [];
  for (const { value } of wanted) {
    const address = value === undefined || value === "" ? undefined : (canonicalIp(value) ?? value);
    // An address that is also the proxy's own is one socket, not two.
    if (address === undefined || address === host?.address) listened.add("");
    else if (isOnMachine(address, host)) listened.add(address);
    else unusable.push(value ?? "");
  }
  const list = [...listened].toSorted(compareText);
  const isNowhere = wanted.length > 0 && list.length === 0;
  const assigned = isNowhere ? [] : (list.length === 0 ? [""] : list).flatMap((each) => shown(each, host));
  return {
    listened: list.length === 1 && list[0] === "" ? [] : list,
    unusable,
    assigned: [...new Set(assigned)].slice(0, maxAssigned),
    isNowhere,
  };
}

/** Whether two Gateways with these addresses can meet at one port, and whether they would then share its socket. */
export function compareAddresses(
  a: readonly string[],
  b: readonly string[],
  host: GatewayHost | undefined,
): "apart" | "shared" | "overlapping" {
  const own = host?.address ?? "";
  const resolve = (addresses: readonly string[]): string[] =>
    addresses.length === 0 ? [own] : addresses.map((each) => each || own);
  const [left, right] = [resolve(a), resolve(b)];
  if (left.some((each) => right.some((other) => each !== other && isWithin(each, other))))
    return "overlapping";
  return left.some((each) => right.includes(each)) ? "shared" : "apart";
}

/** One of them is every address of the other's family. */
function isWithin(a: string, b: string): boolean {
  if (a === "" || b === "") return false;
  const isSameFamily = a.includes(":") === b.includes(":");
  return isSameFamily && (wildcards.includes(a) || wildcards.includes(b));
}

function isOnMachine(address: string, host: GatewayHost | undefined): boolean {
  if (host?.addresses === undefined || wildcards.includes(address)) return true;
  // Linux: all of them are the loopback's.
  return address.startsWith("127.") || host.addresses.includes(address);
}

function shown(address: string, host: GatewayHost | undefined): readonly string[] {
  const resolved = address === "" ? host?.address : address;
  if (resolved === undefined || resolved === "") return [];
  if (!wildcards.includes(resolved)) return [resolved];
  const family = (host?.addresses ?? []).filter((each) => each.includes(":") === resolved.includes(":"));
  return family.length === 0 ? [resolved] : family;
}
