/**
 * The names of a certificate as text: the subject in the form of RFC 4514, and its alternative names. In printable ASCII,
 * so that it can stand in a header; nothing in a certificate can end the text or begin another part of it.
 */
import { WeftError } from "../../kernel/index.ts";
import { constructedTag, decodeOid, DerReader, type DerElement, primitiveTag, tags } from "./der.ts";
import { oids } from "./oids.ts";

export interface CertificateNames {
  /** "CN=web,O=shop"; the last part of the name first. */
  readonly subject: string;
  /** Those in printable ASCII without spaces, in the certificate's order. */
  readonly uriSans: readonly string[];
  readonly dnsSans: readonly string[];
}

/** Undefined where the bytes are no certificate. */
export function readCertificateNames(der: Uint8Array): CertificateNames | undefined {
  try {
    const fields = new DerReader(der).enter(tags.sequence).enter(tags.sequence);
    fields.optional(constructedTag(0));
    fields.next(tags.integer);
    // Signature, issuer, validity.
    for (let skipped = 0; skipped < 3; skipped++) fields.next(tags.sequence);
    const subject = readSubject(fields.enter(tags.sequence));
    fields.next(tags.sequence);
    let rest: DerElement | undefined;
    // Between key and extensions may be two unique identifiers that nobody uses.
    while (!fields.isAtEnd) rest = fields.any();
    const extensions = rest?.tag === constructedTag(3) ? rest : undefined;
    return { subject, ...readAltNames(extensions) };
  } catch (error) {
    if (error instanceof WeftError) return undefined;
    throw error;
  }
}

function readAltNames(extensions: DerElement | undefined): Pick<CertificateNames, "uriSans" | "dnsSans"> {
  const uriSans: string[] = [];
  const dnsSans: string[] = [];
  if (extensions === undefined) return { uriSans, dnsSans };
  const list = new DerReader(extensions.content).enter(tags.sequence);
  while (!list.isAtEnd) {
    const extension = list.enter(tags.sequence);
    const id = decodeOid(extension.next(tags.oid).content);
    extension.optional(tags.boolean);
    const value = extension.next(tags.octetString).content;
    if (id !== oids.subjectAltName) continue;
    const names = new DerReader(value).enter(tags.sequence);
    while (!names.isAtEnd) {
      const name = names.any();
      const text = visibleAscii(name.content);
      if (text === undefined) continue;
      if (name.tag === primitiveTag(6)) uriSans.push(text);
      if (name.tag === primitiveTag(2)) dnsSans.push(text);
    }
  }
  return { uriSans, dnsSans };
}

function visibleAscii(bytes: Uint8Array): string | undefined {
  return bytes.length === 0 || bytes.some((byte) => byte < 0x21 || byte > 0x7e)
    ? undefined
    : Buffer.from(bytes).toString("latin1");
}

/** RFC 4514 section 3. */
const keywords: Readonly<Record<string, string>> = {
  [oids.commonName]: "CN",
  "2.5.4.6": "C",
  "2.5.4.7": "L",
  "2.5.4.8": "ST",
  "2.5.4.9": "STREET",
  [oids.organization]: "O",
  "2.5.4.11": "OU",
  "0.9.2342.19200300.100.1.1": "UID",
  "0.9.2342.19200300.100.1.25": "DC",
};

function readSubject(names: DerReader): string {
  const parts: string[] = [];
  while (!names.isAtEnd) {
    const set = names.enter(tags.set);
    const attributes: string[] = [];
    while (!set.isAtEnd) {
      const attribute = set.enter(tags.sequence);
      const id = decodeOid(attribute.next(tags.oid).content);
      attributes.push(attributeText(id, attribute.any()));
    }
    parts.unshift(attributes.join("+"));
  }
  return parts.join(",");
}

function attributeText(id: string, value: DerElement): string {
  const keyword = keywords[id];
  const bytes = keyword === undefined ? undefined : utf8Of(value);
  // Section 2.4: what has no keyword, or no text, is shown as the bytes that it is.
  return bytes === undefined
    ? `${keyword ?? id}=#${Buffer.from(value.encoded).toString("hex")}`
    : `${keyword}=${escapeText(bytes)}`;
}

const ia5String = 0x16;
const numericString = 0x12;
const bmpString = 0x1e;

function utf8Of({ tag, content }: DerElement): Uint8Array | undefined {
  switch (tag) {
    case tags.utf8String:
    case tags.printableString:
    case ia5String:
    case numericString:
      return content;
    case bmpString:
      return content.length % 2 === 0
        ? Buffer.from(Buffer.from(content).swap16().toString("utf16le"), "utf8")
        : undefined;
    default:
      return undefined;
  }
}

const special = new Set(Buffer.from(',+"\\<>;'));
const space = 0x20;
const numberSign = 0x23;

/** Section 2.4, and bytes beyond printable ASCII in hexadecimal. */
function escapeText(bytes: Uint8Array): string {
  let text = "";
  for (const [index, byte] of bytes.entries()) {
    const isEdge = index === 0 || index === bytes.length - 1;
    const character = String.fromCharCode(byte);
    if (byte < space || byte > 0x7e) text += `\\${byte.toString(16).padStart(2, "0").toUpperCase()}`;
    else if (special.has(byte) || (byte === space && isEdge) || (byte === numberSign && index === 0))
      text += `\\${character}`;
    else text += character;
  }
  return text;
}
