/**
 * Certificate revocation lists (RFC 5280 section 5), as CAs outside of the mesh publish them: read, checked against their
 * issuer's key, and turned into the numbers that the mesh refuses.
 */
import { type KeyObject, verify } from "node:crypto";
import { WeftError } from "../../kernel/index.ts";
import { type CertificateNumber, issuerHash, withoutZeros } from "./certificate-number.ts";
import { describeCertificate } from "./certificate.ts";
import { constructedTag, decodeOid, decodeTimeMs, DerReader, tags } from "./der.ts";
import { oids } from "./oids.ts";
import { pemToDer } from "./pem.ts";

export interface RevocationListIssuer {
  readonly certificateDer: Uint8Array;
  readonly publicKey: KeyObject;
}

export interface CrlContent {
  readonly entries: readonly CertificateNumber[];
  /** When a newer one is due; undefined: not said. */
  readonly nextUpdateMs: number | undefined;
}

/** A list of a large CA has some ten thousand entries of forty bytes. */
const maxListBytes = 4 * 1024 * 1024;

const hashes: Readonly<Record<string, "sha256" | "sha384" | "sha512">> = {
  [oids.ecdsaWithSha256]: "sha256",
  [oids.ecdsaWithSha384]: "sha384",
  [oids.rsaWithSha256]: "sha256",
  "1.2.840.113549.1.1.12": "sha384",
  "1.2.840.113549.1.1.13": "sha512",
};

/** Of a file in DER, or in PEM with any number of lists. Throws `bad_input`: a list that cannot be used must not count as empty. */
export function crlEntries(file: Uint8Array, issuers: readonly RevocationListIssuer[]): CrlContent {
  if (file.length > maxListBytes)
    throw new WeftError("bad_input", `the revocation list is larger than ${maxListBytes} bytes`);
  const isDer = file[0] === tags.sequence;
  const lists = isDer ? [file] : pemToDer(new TextDecoder().decode(file), "X509 CRL");
  if (lists.length === 0) throw new WeftError("bad_input", "the file holds no revocation list (X509 CRL)");
  const read = lists.map((der) => readList(der, issuers));
  const updates = read.flatMap(({ nextUpdateMs }) => nextUpdateMs ?? []);
  return {
    entries: read.flatMap(({ entries }) => entries),
    nextUpdateMs: updates.length === 0 ? undefined : Math.min(...updates),
  };
}

function readList(der: Uint8Array, issuers: readonly RevocationListIssuer[]): CrlContent {
  const outer = new DerReader(der);
  const list = outer.enter(tags.sequence);
  outer.finish();
  const body = list.next(tags.sequence);
  const algorithm = decodeOid(list.enter(tags.sequence).next(tags.oid).content);
  const signature = list.next(tags.bitString).content.subarray(1);
  list.finish();
  const fields = new DerReader(body.content);
  fields.optional(tags.integer);
  fields.next(tags.sequence);
  const name = fields.next(tags.sequence).encoded;
  fields.any(); // thisUpdate
  const next = fields.optional(tags.utcTime) ?? fields.optional(tags.generalizedTime);
  const nextUpdateMs = next === undefined ? undefined : decodeTimeMs(next);
  const revoked = fields.optional(tags.sequence);
  checkSignature({ name, algorithm, signed: body.encoded, signature }, issuers);
  const issuer = issuerHash(name);
  const entries: CertificateNumber[] = [];
  const reader = new DerReader(revoked?.content ?? new Uint8Array());
  while (!reader.isAtEnd) {
    const entry = reader.enter(tags.sequence);
    entries.push({ issuer, serial: withoutZeros(entry.next(tags.integer).content) });
  }
  // A critical extension that is not understood may mean that an entry is somebody else's (section 5.2).
  checkExtensions(fields.optional(constructedTag(0))?.content);
  return { entries, nextUpdateMs };
}

function checkExtensions(content: Uint8Array | undefined): void {
  if (content === undefined) return;
  const extensions = new DerReader(content).enter(tags.sequence);
  while (!extensions.isAtEnd) {
    const extension = extensions.enter(tags.sequence);
    const id = decodeOid(extension.next(tags.oid).content);
    if (extension.optional(tags.boolean)?.content[0] === 0xff)
      throw new WeftError(
        "bad_input",
        `the revocation list has a critical extension (${id}) that is not known`,
      );
  }
}

interface SignedList {
  readonly name: Uint8Array;
  readonly algorithm: string;
  readonly signed: Uint8Array;
  readonly signature: Uint8Array;
}

function checkSignature(list: SignedList, issuers: readonly RevocationListIssuer[]): void {
  const hash = hashes[list.algorithm];
  if (hash === undefined)
    throw new WeftError(
      "bad_input",
      `the revocation list is signed with ${list.algorithm}, which is not accepted`,
    );
  const named = issuers.filter(({ certificateDer }) => {
    const subject = describeCertificate(certificateDer)?.subjectDer;
    return subject !== undefined && Buffer.compare(subject, list.name) === 0;
  });
  if (named.length === 0)
    throw new WeftError("bad_input", "the revocation list is of a CA that is not plugged in here");
  if (!named.some(({ publicKey }) => verify(hash, list.signed, publicKey, list.signature)))
    throw new WeftError("bad_input", "the revocation list's signature does not verify");
}
