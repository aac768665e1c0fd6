/** The fields of a ClientHello message that choices are made by, and a check that all the rest is well formed. */

export interface ClientHello {
  readonly kind: "hello";
  /** A host name in lower case; undefined where the client named none. */
  readonly serverName: string | undefined;
  /** In the client's order, RFC 7301; empty where it offers none. */
  readonly alpn: readonly string[];
  /** Whether TLS 1.3 is among the versions that it offers. */
  readonly offersTls13: boolean;
  /** Of TLS up to 1.2 and 1.3 together, in the client's order. */
  readonly cipherSuites: readonly number[];
  /** What it can verify signatures of, RFC 8446 4.2.3; empty where it does not say. */
  readonly signatureSchemes: readonly number[];
  /** It has Encrypted ClientHello (or pretends to): `serverName` may be that of somebody in front of the server. */
  readonly hasEncryptedHello: boolean;
}

const extensionServerName = 0;
const extensionSignatureSchemes = 13;
const extensionAlpn = 16;
const extensionSupportedVersions = 43;
const extensionEncryptedHello = 0xfe0d;
const version13 = 0x0304;
const randomBytes = 32;
const maxSessionIdBytes = 32;
/** RFC 1035 2.3.4, as text. */
const maxNameBytes = 253;
/**
 * Letters, digits, hyphens and (in use, though no host name should have them) underscores; no dot at the end; no number
 * as last label, because that would be an IP address.
 */
const label = "[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?";
const hostName = new RegExp(`^(?:${label}\\.)*(?!\\d+$)${label}$`);

/** Reads vectors with a length before them (RFC 8446 3.4); every read beyond the end makes it `isBroken`. */
class Fields {
  isBroken: boolean;
  readonly #bytes: Uint8Array;
  #at: number;

  constructor(bytes: Uint8Array) {
    this.isBroken = false;
    this.#bytes = bytes;
    this.#at = 0;
  }

  get isAtEnd(): boolean {
    return this.#at === this.#bytes.length;
  }

  /** An integer of `width` bytes. */
  number(width: number): number {
    let value = 0;
    for (const byte of this.take(width)) value = value * 256 + byte;
    return value;
  }

  take(count: number): Uint8Array {
    const start = this.#at;
    if (count > this.#bytes.length - start) {
      this.isBroken = true;
      this.#at = this.#bytes.length;
      return new Uint8Array(0);
    }
    this.#at = start + count;
    return this.#bytes.subarray(start, this.#at);
  }

  /** A vector whose length has `width` bytes and must lie in the bounds. */
  vector(width: number, min: number, max: number): Uint8Array {
    const length = this.number(width);
    if (length < min || length > max) this.isBroken = true;
    return this.take(length);
  }
}

/** Undefined where it is malformed. */
export function parseHelloBody(body: Uint8Array): ClientHello | undefined {
  const fields = new Fields(body);
  const legacyVersion = fields.number(2);
  fields.take(randomBytes);
  fields.vector(1, 0, maxSessionIdBytes);
  const suites = fields.vector(2, 2, 0xfffe);
  const compressions = fields.vector(1, 1, 0xff);
  if (fields.isBroken || legacyVersion >> 8 !== 3 || suites.length % 2 !== 0 || !compressions.includes(0)) {
    return undefined;
  }
  // Before TLS 1.3 the extensions may be absent altogether.
  const cipherSuites = numbersOf(suites);
  if (fields.isAtEnd) return parseExtensions(new Uint8Array(0), cipherSuites);
  const extensions = fields.vector(2, 0, 0xffff);
  return fields.isBroken || !fields.isAtEnd ? undefined : parseExtensions(extensions, cipherSuites);
}

/** An even number of bytes, two by two. */
function numbersOf(bytes: Uint8Array): number[] {
  const numbers: number[] = [];
  for (let i = 0; i < bytes.length; i += 2) numbers.push(((bytes[i] ?? 0) << 8) | (bytes[i + 1] ?? 0));
  return numbers;
}

function parseExtensions(bytes: Uint8Array, cipherSuites: readonly number[]): ClientHello | undefined {
  const fields = new Fields(bytes);
  const seen = new Set<number>();
  let serverName: string | undefined;
  let alpn: readonly string[] | undefined = [];
  let offersTls13: boolean | undefined = false;
  let signatureSchemes: readonly number[] | undefined = [];
  while (!fields.isAtEnd) {
    const type = fields.number(2);
    const data = fields.vector(2, 0, 0xffff);
    // One of each type (RFC 8446 4.2): of two names, we and the server might read different ones.
    if (fields.isBroken || seen.has(type)) return undefined;
    seen.add(type);
    if (type === extensionServerName) {
      serverName = parseServerName(data);
      if (serverName === undefined) return undefined;
    } else if (type === extensionAlpn) {
      alpn = parseAlpn(data);
    } else if (type === extensionSupportedVersions) {
      offersTls13 = parseOffersTls13(data);
    } else if (type === extensionSignatureSchemes) {
      signatureSchemes = parseSignatureSchemes(data);
    }
    if (alpn === undefined || offersTls13 === undefined || signatureSchemes === undefined) return undefined;
  }
  return {
    kind: "hello",
    serverName,
    alpn,
    offersTls13,
    cipherSuites,
    signatureSchemes,
    hasEncryptedHello: seen.has(extensionEncryptedHello),
  };
}

/** RFC 6066 3: exactly one host name, the only type of name that there is. */
function parseServerName(data: Uint8Array): string | undefined {
  const outer = new Fields(data);
  const list = new Fields(outer.vector(2, 1, 0xffff));
  const type = list.number(1);
  const name = list.vector(2, 1, 0xffff);
  if (outer.isBroken || !outer.isAtEnd || list.isBroken || !list.isAtEnd || type !== 0) return undefined;
  return parseHostName(name);
}

/** In lower case, because names are compared without it. */
function parseHostName(bytes: Uint8Array): string | undefined {
  if (bytes.length > maxNameBytes) return undefined;
  const name = Buffer.from(bytes).toString("latin1").toLowerCase();
  return hostName.test(name) ? name : undefined;
}

function parseAlpn(data: Uint8Array): readonly string[] | undefined {
  const outer = new Fields(data);
  const list = new Fields(outer.vector(2, 2, 0xffff));
  const names: string[] = [];
  while (!outer.isBroken && !list.isBroken && !list.isAtEnd) {
    names.push(Buffer.from(list.vector(1, 1, 0xff)).toString("latin1"));
  }
  return outer.isBroken || list.isBroken || !outer.isAtEnd ? undefined : names;
}

function parseSignatureSchemes(data: Uint8Array): readonly number[] | undefined {
  const outer = new Fields(data);
  const list = outer.vector(2, 2, 0xfffe);
  return outer.isBroken || !outer.isAtEnd || list.length % 2 !== 0 ? undefined : numbersOf(list);
}

function parseOffersTls13(data: Uint8Array): boolean | undefined {
  const outer = new Fields(data);
  const bytes = outer.vector(1, 2, 254);
  if (outer.isBroken || !outer.isAtEnd || bytes.length % 2 !== 0) return undefined;
  const list = new Fields(bytes);
  let offers = false;
  while (!list.isAtEnd) if (list.number(2) === version13) offers = true;
  return offers;
}
