/** IP addresses and prefixes in text and number form. Text is canonical: IPv4 dotted, IPv6 as RFC 5952, never mapped. */

/** 4 or 16 bytes, or undefined where the text is no IP address. */
export function parseIp(text: string): Uint8Array | undefined {
  return text.includes(":") ? parseIpv6(text) : parseIpv4(text);
}

/** Canonical text; an IPv4-mapped IPv6 address becomes IPv4. */
export function formatIp(bytes: Uint8Array): string {
  if (bytes.length === 4) return bytes.join(".");
  if (isMapped(bytes)) return bytes.subarray(12).join(".");
  return formatIpv6(bytes);
}

export function canonicalIp(text: string): string | undefined {
  const bytes = parseIp(text);
  return bytes === undefined ? undefined : formatIp(bytes);
}

export class Prefix {
  readonly bytes: Uint8Array;
  readonly bits: number;

  constructor(bytes: Uint8Array, bits: number) {
    this.bytes = bytes;
    this.bits = bits;
  }

  /** `10.0.0.0/8`; host bits must be zero. Undefined where the text is no prefix. */
  static parse(text: string): Prefix | undefined {
    const match = /^([^/]+)\/(\d{1,3})$/.exec(text);
    const bytes = match?.[1] === undefined ? undefined : parseIp(match[1]);
    const bits = Number(match?.[2]);
    if (bytes === undefined || bits > bytes.length * 8) return undefined;
    for (let bit = bits; bit < bytes.length * 8; bit++) {
      if (((bytes[bit >> 3] ?? 0) >> (7 - (bit & 7))) & 1) return undefined;
    }
    return new Prefix(bytes, bits);
  }

  contains(address: Uint8Array): boolean {
    if (address.length !== this.bytes.length) return false;
    const whole = this.bits >> 3;
    for (let i = 0; i < whole; i++) if (address[i] !== this.bytes[i]) return false;
    const rest = this.bits & 7;
    if (rest === 0) return true;
    const mask = 0xff << (8 - rest);
    return (((address[whole] ?? 0) ^ (this.bytes[whole] ?? 0)) & mask & 0xff) === 0;
  }

  /** The address `offset` above the prefix's first; undefined where the prefix has fewer. */
  at(offset: number): Uint8Array | undefined {
    const hostBits = this.bytes.length * 8 - this.bits;
    if (offset < 0 || (hostBits < 32 && offset >= 2 ** hostBits)) return undefined;
    const result = Uint8Array.from(this.bytes);
    let carry = offset;
    for (let i = result.length - 1; i >= 0 && carry > 0; i--) {
      carry += result[i] ?? 0;
      result[i] = carry & 0xff;
      carry = Math.floor(carry / 256);
    }
    return result;
  }

  toString(): string {
    return `${formatIp(this.bytes)}/${this.bits}`;
  }
}

function parseIpv4(text: string): Uint8Array | undefined {
  const match = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})$/.exec(text);
  if (match === null) return undefined;
  const bytes = new Uint8Array(4);
  for (let i = 0; i < 4; i++) {
    const part = match[i + 1] ?? "";
    const value = Number(part);
    // A leading zero means octal to some readers: refuse rather than guess.
    if (value > 255 || (part.length > 1 && part.startsWith("0"))) return undefined;
    bytes[i] = value;
  }
  return bytes;
}

function parseIpv6(text: string): Uint8Array | undefined {
  const halves = text.split("::");
  if (halves.length > 2) return undefined;
  // Only the very end of the text may be dotted (RFC 4291, 2.2).
  const head = parseGroups(halves[0] ?? "", halves.length === 1);
  const tail = halves.length === 2 ? parseGroups(halves[1] ?? "", true) : [];
  if (head === undefined || tail === undefined) return undefined;
  const missing = 8 - head.length - tail.length;
  if (halves.length === 2 ? missing < 1 : missing !== 0) return undefined;
  const groups = [...head, ...Array<number>(halves.length === 2 ? missing : 0).fill(0), ...tail];
  const bytes = new Uint8Array(16);
  for (let i = 0; i < 8; i++) {
    bytes[2 * i] = (groups[i] ?? 0) >> 8;
    bytes[2 * i + 1] = (groups[i] ?? 0) & 0xff;
  }
  return bytes;
}

function parseGroups(text: string, mayEndDotted: boolean): number[] | undefined {
  if (text === "") return [];
  const groups: number[] = [];
  const parts = text.split(":");
  for (const [index, part] of parts.entries()) {
    if (part.includes(".")) {
      const v4 = mayEndDotted && index === parts.length - 1 ? parseIpv4(part) : undefined;
      if (v4 === undefined) return undefined;
      groups.push(((v4[0] ?? 0) << 8) | (v4[1] ?? 0), ((v4[2] ?? 0) << 8) | (v4[3] ?? 0));
    } else {
      if (!/^[0-9a-fA-F]{1,4}$/.test(part)) return undefined;
      groups.push(Number.parseInt(part, 16));
    }
  }
  return groups;
}

function isMapped(bytes: Uint8Array): boolean {
  for (let i = 0; i < 10; i++) if (bytes[i] !== 0) return false;
  return bytes[10] === 0xff && bytes[11] === 0xff;
}

function formatIpv6(bytes: Uint8Array): string {
  const groups = Array.from({ length: 8 }, (_, i) => ((bytes[2 * i] ?? 0) << 8) | (bytes[2 * i + 1] ?? 0));
  let bestStart = -1;
  let bestLength = 1; // a single zero group is not shortened (RFC 5952, 4.2.2)
  for (let i = 0; i < 8; i++) {
    let length = 0;
    while (i + length < 8 && groups[i + length] === 0) length++;
    if (length > bestLength) {
      bestStart = i;
      bestLength = length;
    }
  }
  const hex = (part: number[]): string => part.map((group) => group.toString(16)).join(":");
  if (bestStart < 0) return hex(groups);
  return `${hex(groups.slice(0, bestStart))}::${hex(groups.slice(bestStart + bestLength))}`;
}
