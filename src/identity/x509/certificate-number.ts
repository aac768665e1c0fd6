/**
 * What names one certificate among all that there are: its issuer's name and its serial number. By these a certificate is
 * revoked, so they are read from the bytes that the signature covers and compared as bytes.
 */
import { createHash } from "node:crypto";
import { WeftError } from "../../kernel/index.ts";
import { constructedTag, DerReader, tags } from "./der.ts";

export interface CertificateNumber {
  /** SHA-256 of the issuer's name (DER). */
  readonly issuer: Uint8Array;
  /** Big endian, without leading zeros. */
  readonly serial: Uint8Array;
}

/** Undefined where the bytes are no certificate. */
export function certificateNumber(der: Uint8Array): CertificateNumber | undefined {
  try {
    const fields = new DerReader(der).enter(tags.sequence).enter(tags.sequence);
    fields.optional(constructedTag(0));
    const serial = withoutZeros(fields.next(tags.integer).content);
    fields.next(tags.sequence);
    return { issuer: issuerHash(fields.next(tags.sequence).encoded), serial };
  } catch (error) {
    if (error instanceof WeftError) return undefined;
    throw error;
  }
}

export function issuerHash(nameDer: Uint8Array): Uint8Array {
  return createHash("sha256").update(nameDer).digest();
}

export function withoutZeros(serial: Uint8Array): Uint8Array {
  const start = serial.findIndex((byte) => byte !== 0);
  return start < 0 ? new Uint8Array(0) : serial.subarray(start);
}

/** As people read and write it: lower-case hex without leading zeros. */
export function serialText(serial: Uint8Array): string {
  return Buffer.from(serial)
    .toString("hex")
    .replace(/^0+(?=.)/, "");
}

/** Asked in every handshake of a mesh that has revoked something; of one that has not, it costs nothing. */
export class RevokedSet {
  static readonly none = new RevokedSet(new Set());
  readonly #keys: ReadonlySet<string>;

  private constructor(keys: ReadonlySet<string>) {
    this.#keys = keys;
  }

  static of(numbers: readonly CertificateNumber[]): RevokedSet {
    return numbers.length === 0 ? RevokedSet.none : new RevokedSet(new Set(numbers.map(keyOf)));
  }

  get size(): number {
    return this.#keys.size;
  }

  /** What cannot be read counts as revoked. */
  has(der: Uint8Array): boolean {
    if (this.#keys.size === 0) return false;
    const number = certificateNumber(der);
    return number === undefined || this.#keys.has(keyOf(number));
  }
}

function keyOf({ issuer, serial }: CertificateNumber): string {
  return `${Buffer.from(issuer).toString("latin1")}${Buffer.from(serial).toString("latin1")}`;
}
