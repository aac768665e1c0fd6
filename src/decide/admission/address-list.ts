/** Lists of CIDRs, prepared: is an address in one of them? */
import { canonicalIp, parseIp, Prefix, PrefixTable } from "../../kernel/index.ts";
import type { Membership } from "./truth.ts";

/** From so many prefixes on a table is faster than to compare them one by one. */
const tableSize = 8;

export class AddressList {
  readonly #prefixes: readonly Prefix[];
  readonly #table: PrefixTable<true> | undefined;
  readonly #otherwise: Membership;

  constructor(blocks: readonly string[]) {
    const prefixes = blocks.map(parseBlock).filter((prefix) => prefix !== undefined);
    this.#prefixes = prefixes;
    this.#otherwise = prefixes.length < blocks.length ? "unknown" : "no";
    this.#table = undefined;
    if (prefixes.length < tableSize) return;
    this.#table = new PrefixTable();
    for (const prefix of prefixes) this.#table.set(prefix, true);
  }

  /** Undefined: the address is not known. */
  has(address: Uint8Array | undefined): Membership {
    if (address === undefined) return "unknown";
    if (this.#table !== undefined) return this.#table.has(address) ? "yes" : this.#otherwise;
    for (const prefix of this.#prefixes) if (prefix.contains(address)) return "yes";
    return this.#otherwise;
  }
}

/** An address alone is the block of just it. Blocks of IPv4 within mapped IPv6 are refused where they are written. */
export function parseBlock(text: string): Prefix | undefined {
  if (text.includes("/")) return Prefix.parse(text);
  const bytes = addressBytes(text);
  return bytes === undefined ? undefined : new Prefix(bytes, bytes.length * 8);
}

/** An IPv4 address that is written as IPv6 is IPv4. */
export function addressBytes(text: string): Uint8Array | undefined {
  if (!text.includes(":")) return parseIp(text);
  const canonical = canonicalIp(text);
  return canonical === undefined ? undefined : parseIp(canonical);
}
