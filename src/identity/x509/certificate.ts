/** Reads what weft needs of an X.509 certificate. Checks no signature: that is `verifyChain` and the TLS stack. */
import { parseSpiffeId, type SpiffeId, WeftError } from "../../kernel/index.ts";
import {
  constructedTag,
  decodeAscii,
  decodeOid,
  decodeText,
  decodeTimeMs,
  type DerElement,
  DerReader,
  primitiveTag,
  tags,
} from "./der.ts";
import { oids } from "./oids.ts";

export interface CertificateDescription {
  /** Defined where there is exactly one URI name and it is of the mesh's form. */
  readonly identity: SpiffeId | undefined;
  readonly uriSans: readonly string[];
  readonly dnsSans: readonly string[];
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
  /** Lower-case hex without leading zeros. */
  readonly serial: string;
  /** "O=weft,CN=weft root …"; empty for a workload's. For people, not for comparison. */
  readonly subject: string;
  readonly issuer: string;
  readonly isCa: boolean;
  /** How many CAs may stand below this one; undefined: not limited. */
  readonly pathLength: number | undefined;
  /** SubjectPublicKeyInfo, DER. */
  readonly publicKeyDer: Uint8Array;
  /** The names as they are encoded. */
  readonly subjectDer: Uint8Array;
  readonly issuerDer: Uint8Array;
  /** Of the extension; undefined where there is none. */
  readonly subjectKeyIdentifier: Uint8Array | undefined;
  /** Its key may sign certificates. Undefined: the certificate does not say what its key is for. */
  readonly signsCertificates: boolean | undefined;
}

/** Undefined where the bytes are no certificate. */
export function describeCertificate(der: Uint8Array): CertificateDescription | undefined {
  try {
    return parseCertificate(der);
  } catch (error) {
    // A text decoder's TypeError means the same: not a certificate.
    if (error instanceof WeftError || error instanceof TypeError) return undefined;
    throw error;
  }
}

export interface Validity {
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
}

/** That alone, of a certificate that was verified: a tenth of what its description costs. Undefined where it cannot be read. */
export function certificateValidity(der: Uint8Array): Validity | undefined {
  try {
    const fields = new DerReader(der).enter(tags.sequence).enter(tags.sequence);
    fields.optional(constructedTag(0));
    fields.next(tags.integer);
    fields.next(tags.sequence);
    fields.next(tags.sequence);
    const validity = fields.enter(tags.sequence);
    return { notBeforeMs: decodeTimeMs(validity.any()), notAfterMs: decodeTimeMs(validity.any()) };
  } catch (error) {
    if (error instanceof WeftError || error instanceof TypeError) return undefined;
    throw error;
  }
}

interface Extensions {
  uriSans: string[];
  dnsSans: string[];
  isCa: boolean;
  pathLength: number | undefined;
  subjectKeyIdentifier: Uint8Array | undefined;
  signsCertificates: boolean | undefined;
}

function parseCertificate(der: Uint8Array): CertificateDescription {
  const outer = new DerReader(der);
  const fields = outer.enter(tags.sequence).enter(tags.sequence);
  outer.finish();
  fields.optional(constructedTag(0));
  const serial = fields.next(tags.integer).content;
  fields.next(tags.sequence);
  const issuer = fields.next(tags.sequence);
  const validity = fields.enter(tags.sequence);
  const notBeforeMs = decodeTimeMs(validity.any());
  const notAfterMs = decodeTimeMs(validity.any());
  const subject = fields.next(tags.sequence);
  const publicKeyDer = fields.next(tags.sequence).encoded;
  const extensions = readExtensions(fields.optional(constructedTag(3)));
  const only = extensions.uriSans.length === 1 ? extensions.uriSans[0] : undefined;
  return {
    identity: only === undefined ? undefined : parseSpiffeId(only),
    notBeforeMs,
    notAfterMs,
    serial: Buffer.from(serial)
      .toString("hex")
      .replace(/^0+(?=.)/, ""),
    subject: readName(new DerReader(subject.content)),
    issuer: readName(new DerReader(issuer.content)),
    subjectDer: subject.encoded,
    issuerDer: issuer.encoded,
    publicKeyDer,
    ...extensions,
  };
}

function readExtensions(element: DerElement | undefined): Extensions {
  const found: Extensions = {
    uriSans: [],
    dnsSans: [],
    isCa: false,
    pathLength: undefined,
    subjectKeyIdentifier: undefined,
    signsCertificates: undefined,
  };
  if (element === undefined) return found;
  const list = new DerReader(element.content).enter(tags.sequence);
  while (!list.isAtEnd) {
    const extension = list.enter(tags.sequence);
    const id = decodeOid(extension.next(tags.oid).content);
    extension.optional(tags.boolean);
    const value = new DerReader(extension.next(tags.octetString).content);
    if (id === oids.subjectAltName) readAltNames(value.enter(tags.sequence), found);
    if (id === oids.subjectKeyIdentifier) found.subjectKeyIdentifier = value.next(tags.octetString).content;
    if (id === oids.keyUsage) found.signsCertificates = mayCertSign(value.next(tags.bitString).content);
    if (id === oids.basicConstraints) readBasicConstraints(value.enter(tags.sequence), found);
  }
  return found;
}

/** RFC 5280 section 4.2.1.3: keyCertSign is bit 5. */
function mayCertSign(bits: Uint8Array): boolean {
  return ((bits[1] ?? 0) & 0x04) !== 0;
}

function readAltNames(names: DerReader, found: Extensions): void {
  while (!names.isAtEnd) {
    const name = names.any();
    if (name.tag === primitiveTag(6)) found.uriSans.push(decodeAscii(name.content));
    if (name.tag === primitiveTag(2)) found.dnsSans.push(decodeAscii(name.content));
  }
}

function readBasicConstraints(constraints: DerReader, found: Extensions): void {
  found.isCa = constraints.optional(tags.boolean)?.content[0] === 0xff;
  const pathLength = constraints.optional(tags.integer)?.content;
  found.pathLength = pathLength?.length === 1 ? pathLength[0] : undefined;
}

const nameLabels: Readonly<Record<string, string>> = { [oids.commonName]: "CN", [oids.organization]: "O" };

function readName(names: DerReader): string {
  const parts: string[] = [];
  while (!names.isAtEnd) {
    const attribute = names.enter(tags.set).enter(tags.sequence);
    const id = decodeOid(attribute.next(tags.oid).content);
    parts.push(`${nameLabels[id] ?? id}=${decodeText(attribute.any().content)}`);
  }
  return parts.join(",");
}
