/**
 * Virtual IPs of Services. Where a service's search starts follows from its name alone, so that a mesh made again from
 * the same files mostly gets the same addresses; what is once allocated is written into the object and asked for from
 * then on, which is what makes it stable. No address goes to two services, not even within one commit.
 */
import { createHash } from "node:crypto";
import { canonicalIp, formatIp, parseIp, Prefix } from "../kernel/index.ts";

type AddressFamily = "IPv4" | "IPv6";

export interface AddressRequest {
  /** Of the owner: "namespace/name" of a Service; what is no Service says its kind before it. */
  readonly service: string;
  /** What the object says already. */
  readonly asked: readonly string[];
  /** Absent: one address of each family that has a prefix. */
  readonly families?: readonly AddressFamily[];
}

export type AddressAllocation =
  | { readonly kind: "allocated"; readonly service: string; readonly addresses: readonly string[] }
  | { readonly kind: "refused"; readonly service: string; readonly message: string };

export interface AllocationOptions {
  readonly requests: readonly AddressRequest[];
  readonly prefixes: readonly string[];
  /** Addresses of all services that there are, with their service; those of the requests' own services may be among them. */
  readonly taken: ReadonlyMap<string, string>;
}

/** A full /12 of IPv4. In larger prefixes a run of this many taken addresses does not happen by chance. */
const maxProbes = 1 << 20;
/** Numbers up to here are exact; a larger prefix is used up to its first 2^48 addresses. */
const maxOffsets = 2 ** 48;
const families: readonly AddressFamily[] = ["IPv4", "IPv6"];

/** In the order of the requests; the result does not depend on that order. IPv4 first. */
export function allocateAddresses(options: AllocationOptions): AddressAllocation[] {
  const owners = new Map(options.taken);
  const prefixes = options.prefixes.flatMap((text) => Prefix.parse(text) ?? []);
  const results = new Map<string, AddressAllocation>();
  const sorted = options.requests.toSorted((a, b) => (a.service < b.service ? -1 : 1));
  // First everybody keeps what it asks for, so that a new service cannot take it away in the same commit.
  for (const request of sorted) {
    const message = claim(request, prefixes, owners);
    if (message !== undefined)
      results.set(request.service, { kind: "refused", service: request.service, message });
  }
  for (const request of sorted) {
    if (!results.has(request.service)) results.set(request.service, complete(request, prefixes, owners));
  }
  return options.requests.flatMap((request) => results.get(request.service) ?? []);
}

/** Undefined: all that was asked for is now this service's. */
function claim(
  request: AddressRequest,
  prefixes: readonly Prefix[],
  owners: Map<string, string>,
): string | undefined {
  const asked: string[] = [];
  for (const text of request.asked) {
    const address = canonicalIp(text);
    const bytes = address === undefined ? undefined : parseIp(address);
    if (bytes === undefined || address === undefined) return `${text} is no IP address`;
    const owner = owners.get(address);
    if (owner !== undefined && owner !== request.service) return `${address} belongs to the service ${owner}`;
    // An address that it has already may lie outside: the prefixes may have been changed since.
    if (owner === undefined && !prefixes.some((prefix) => prefix.contains(bytes))) {
      return `${address} lies outside of MeshConfig's virtualIpCidrs (${prefixes.join(", ")})`;
    }
    if (asked.some((other) => familyOf(other) === familyOf(address)))
      return `more than one ${familyOf(address)} address`;
    asked.push(address);
  }
  for (const address of asked) owners.set(address, request.service);
  return undefined;
}

function complete(
  request: AddressRequest,
  prefixes: readonly Prefix[],
  owners: Map<string, string>,
): AddressAllocation {
  const { service } = request;
  const addresses = request.asked.flatMap((text) => canonicalIp(text) ?? []);
  for (const family of families) {
    const ofFamily = prefixes.filter((prefix) => familyOf(formatIp(prefix.bytes)) === family);
    if (ofFamily.length === 0 || addresses.some((address) => familyOf(address) === family)) continue;
    if (request.families !== undefined && !request.families.includes(family)) continue;
    const free = findFree(service, ofFamily, owners);
    if (free === undefined) {
      return { kind: "refused", service, message: `no ${family} address is left in ${ofFamily.join(", ")}` };
    }
    owners.set(free, service);
    addresses.push(free);
  }
  return { kind: "allocated", service, addresses: addresses.toSorted(byFamily) };
}

function findFree(
  service: string,
  prefixes: readonly Prefix[],
  owners: ReadonlyMap<string, string>,
): string | undefined {
  for (const prefix of prefixes) {
    // Neither the first nor the last address: in IPv4 these may mean the network itself and everybody in it.
    const usable = Math.min(2 ** (prefix.bytes.length * 8 - prefix.bits), maxOffsets) - 2;
    const start = usable > 0 ? startOffset(service, usable) : 0;
    for (let probe = 0; probe < Math.min(usable, maxProbes); probe++) {
      const bytes = prefix.at(1 + ((start + probe) % usable));
      const address = bytes === undefined ? undefined : formatIp(bytes);
      if (address !== undefined && !owners.has(address)) return address;
    }
  }
  return undefined;
}

/** 48 bits of the name's SHA-256: spread evenly, the same everywhere. */
function startOffset(service: string, usable: number): number {
  return createHash("sha256").update(service).digest().readUIntBE(0, 6) % usable;
}

function familyOf(address: string): AddressFamily {
  return address.includes(":") ? "IPv6" : "IPv4";
}

function byFamily(a: string, b: string): number {
  return families.indexOf(familyOf(a)) - families.indexOf(familyOf(b));
}
