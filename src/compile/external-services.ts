/**
 * All ExternalServices by what they claim: hosts, prefixes and virtual addresses. Of two that claim one host the older
 * one has it. Which claimants count at all depends on Services too, so that is left to whoever reads.
 */
import { hasVirtualAddresses, type StoredOfKind } from "../api/index.ts";
import { canonicalIp, parseIp, Prefix, PrefixTable } from "../kernel/index.ts";
import { compareAge, pathOf } from "./object-path.ts";
import { compareText } from "./resource.ts";

export type ExternalServiceInput = StoredOfKind<"ExternalService">;

/** Names of facts. `prefixes` is one for all of them: a new prefix may take addresses out of any other. */
export const externalFacts = {
  service: (path: string) => `external:${path}`,
  host: (host: string) => `external-host:${host}`,
  prefixes: "external-prefixes",
  names: "external-names",
  addressed: (ip: string) => `address:${ip}`,
} as const;

type Claimants = Map<string, ExternalServiceInput>;

export class ExternalServices {
  readonly #services = new Map<string, ExternalServiceInput>();
  readonly #hosts = new Map<string, Claimants>();
  readonly #prefixes = new Map<string, { readonly prefix: Prefix; readonly claimants: Claimants }>();
  readonly #table = new PrefixTable<Claimants>();
  readonly #virtual = new Map<string, Claimants>();

  get(path: string): ExternalServiceInput | undefined {
    return this.#services.get(path);
  }

  /** The older first. */
  claimantsOf(host: string): ExternalServiceInput[] {
    return byAge(this.#hosts.get(host));
  }

  /** Of a virtual address. The server hands each out once. */
  virtualOwner(ip: string): ExternalServiceInput | undefined {
    return byAge(this.#virtual.get(ip))[0];
  }

  /** For each prefix that holds the address, the longest first, those that claim it, the older first. */
  claimantsAt(ip: string): ExternalServiceInput[][] {
    const bytes = parseIp(ip);
    return bytes === undefined ? [] : [...this.#table.matches(bytes)].map(byAge);
  }

  claimantsOfPrefix(prefix: Prefix): ExternalServiceInput[] {
    return byAge(this.#table.get(prefix));
  }

  /** Sorted. What lies within another one is left out. */
  prefixes(): string[] {
    const kept = new PrefixTable<true>();
    const widestFirst = [...this.#prefixes.values()].toSorted((a, b) => a.prefix.bits - b.prefix.bits);
    const widest = widestFirst.filter(({ prefix }) => {
      if (kept.has(prefix.bytes)) return false;
      kept.set(prefix, true);
      return true;
    });
    return widest.map(({ prefix }) => String(prefix)).toSorted(compareText);
  }

  /** Some name leads to a virtual address. */
  get hasNames(): boolean {
    return this.#virtual.size > 0;
  }

  set(object: ExternalServiceInput, dirty: Set<string>): void {
    const path = pathOf(object);
    this.delete(path, dirty);
    this.#services.set(path, object);
    for (const host of object.spec.hosts) add(this.#hosts, host, path, object);
    for (const ip of virtualAddressesOf(object)) add(this.#virtual, ip, path, object);
    for (const prefix of prefixesOf(object)) {
      const known = this.#prefixes.get(String(prefix));
      if (known !== undefined) known.claimants.set(path, object);
      else {
        const claimants: Claimants = new Map([[path, object]]);
        this.#prefixes.set(String(prefix), { prefix, claimants });
        this.#table.set(prefix, claimants);
      }
    }
    mark(object, dirty);
  }

  delete(path: string, dirty: Set<string>): void {
    const object = this.#services.get(path);
    if (object === undefined) return;
    this.#services.delete(path);
    for (const host of object.spec.hosts) remove(this.#hosts, host, path);
    for (const ip of virtualAddressesOf(object)) remove(this.#virtual, ip, path);
    for (const prefix of prefixesOf(object)) {
      const known = this.#prefixes.get(String(prefix));
      known?.claimants.delete(path);
      if (known?.claimants.size !== 0) continue;
      this.#prefixes.delete(String(prefix));
      this.#table.delete(prefix);
    }
    mark(object, dirty);
  }
}

/** Canonical. None where names keep their real addresses, whatever the object says. */
export function virtualAddressesOf({ spec }: ExternalServiceInput): string[] {
  if (!hasVirtualAddresses(spec)) return [];
  return (spec.virtualIPs ?? []).flatMap((address) => canonicalIp(address) ?? []);
}

/** Canonical; a single address is a prefix of full length. */
export function prefixesOf({ spec }: ExternalServiceInput): Prefix[] {
  return spec.addresses.flatMap((text) => {
    const bytes = parseIp(canonicalIp(text) ?? "");
    return (bytes === undefined ? Prefix.parse(text) : new Prefix(bytes, bytes.length * 8)) ?? [];
  });
}

function mark(object: ExternalServiceInput, dirty: Set<string>): void {
  dirty.add(externalFacts.service(pathOf(object)));
  for (const host of object.spec.hosts) dirty.add(externalFacts.host(host));
  const virtual = virtualAddressesOf(object);
  if (virtual.length > 0) dirty.add(externalFacts.names);
  for (const ip of virtual) dirty.add(externalFacts.addressed(ip));
  if (object.spec.addresses.length > 0) dirty.add(externalFacts.prefixes);
}

function byAge(claimants: Claimants | undefined): ExternalServiceInput[] {
  return [...(claimants?.values() ?? [])].toSorted(compareAge);
}

function add(index: Map<string, Claimants>, key: string, path: string, object: ExternalServiceInput): void {
  const known = index.get(key);
  if (known === undefined) index.set(key, new Map([[path, object]]));
  else known.set(path, object);
}

function remove(index: Map<string, Claimants>, key: string, path: string): void {
  const known = index.get(key);
  known?.delete(path);
  if (known?.size === 0) index.delete(key);
}
