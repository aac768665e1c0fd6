/** Writes and signs X.509 v3 certificates in the one profile that weft issues: ECDSA keys, RFC 5280 and SPIFFE's X.509-SVID. */
import { createHash, type KeyObject, randomBytes, sign } from "node:crypto";
import {
  constructedTag,
  DerReader,
  encodeBitString,
  encodeBoolean,
  encodeElement,
  encodeInteger,
  encodeOctetString,
  encodeOid,
  encodeSequence,
  encodeText,
  encodeTime,
  primitiveTag,
  tags,
} from "./der.ts";
import { oids } from "./oids.ts";

export interface AuthorityConstraints {
  readonly pathLength: number;
  /** What certificates below may be named: trust domains (hosts of URIs) and DNS names. Absent: anything. */
  readonly permitted?: { readonly uriHosts: readonly string[]; readonly dnsNames: readonly string[] };
}

export interface CertificateRequest {
  /** Common name; empty: an empty subject, and the alternative names then are critical (RFC 5280 section 4.2.1.6). */
  readonly commonName: string;
  readonly publicKey: KeyObject;
  readonly uriSans: readonly string[];
  readonly dnsSans: readonly string[];
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
  /** Present: a CA. Absent: a server and client at the end of the chain. */
  readonly authority?: AuthorityConstraints;
}

export interface Issuer {
  readonly commonName: string;
  readonly publicKey: KeyObject;
  readonly privateKey: KeyObject;
  /** Its certificate, where somebody else made it: name and key identifier are taken from there, byte by byte. */
  readonly foreign?: { readonly subjectDer: Uint8Array; readonly keyIdentifier: Uint8Array | undefined };
}

/** More than the 64 bits of entropy that RFC 5280's successors ask for, within its 20 bytes. */
const serialBytes = 16;

const nullValue = encodeElement(0x05);

/** What signs with SHA-256 by a key of this kind. Plug-in CAs may have RSA keys; our own never do. */
function signatureAlgorithmOf(key: KeyObject): Uint8Array {
  return key.asymmetricKeyType === "rsa"
    ? encodeSequence(encodeOid(oids.rsaWithSha256), nullValue)
    : encodeSequence(encodeOid(oids.ecdsaWithSha256));
}

export function encodeCertificate(request: CertificateRequest, issuer: Issuer): Uint8Array {
  const signatureAlgorithm = signatureAlgorithmOf(issuer.privateKey);
  const body = encodeSequence(
    encodeElement(constructedTag(0), encodeInteger(Uint8Array.of(2))),
    encodeInteger(randomSerial()),
    signatureAlgorithm,
    issuer.foreign?.subjectDer ?? encodeName(issuer.commonName),
    encodeSequence(encodeTime(request.notBeforeMs), encodeTime(request.notAfterMs)),
    encodeName(request.commonName),
    encodePublicKey(request.publicKey),
    encodeElement(constructedTag(3), encodeSequence(...encodeExtensions(request, issuer))),
  );
  return encodeSequence(body, signatureAlgorithm, encodeBitString(sign("sha256", body, issuer.privateKey)));
}

function encodeExtensions(request: CertificateRequest, issuer: Issuer): Uint8Array[] {
  const authority = request.authority;
  const extensions = [
    encodeExtension(oids.subjectKeyIdentifier, false, encodeOctetString(keyIdentifier(request.publicKey))),
    encodeExtension(
      oids.authorityKeyIdentifier,
      false,
      encodeSequence(
        encodeElement(
          primitiveTag(0),
          issuer.foreign === undefined
            ? keyIdentifier(issuer.publicKey)
            : (issuer.foreign.keyIdentifier ?? keyIdentifier(issuer.publicKey)),
        ),
      ),
    ),
    encodeExtension(
      oids.subjectAltName,
      request.commonName === "",
      encodeSequence(
        ...request.uriSans.map((uri) => encodeText(primitiveTag(6), uri)),
        ...request.dnsSans.map((name) => encodeText(primitiveTag(2), name)),
      ),
    ),
  ];
  if (authority === undefined) {
    extensions.push(
      encodeExtension(oids.basicConstraints, true, encodeSequence()),
      encodeExtension(oids.keyUsage, true, encodeBitString(Uint8Array.of(0x80), 7)), // digitalSignature
      encodeExtension(
        oids.extendedKeyUsage,
        false,
        encodeSequence(encodeOid(oids.serverAuth), encodeOid(oids.clientAuth)),
      ),
    );
    return extensions;
  }
  extensions.push(
    encodeExtension(
      oids.basicConstraints,
      true,
      encodeSequence(encodeBoolean(true), encodeInteger(Uint8Array.of(authority.pathLength))),
    ),
    encodeExtension(oids.keyUsage, true, encodeBitString(Uint8Array.of(0x06), 1)), // keyCertSign, cRLSign
  );
  if (authority.permitted !== undefined) {
    const { uriHosts, dnsNames } = authority.permitted;
    const subtrees = [
      ...uriHosts.map((host) => encodeSequence(encodeText(primitiveTag(6), host))),
      ...dnsNames.map((name) => encodeSequence(encodeText(primitiveTag(2), name))),
    ];
    const value = encodeSequence(encodeElement(constructedTag(0), ...subtrees));
    extensions.push(encodeExtension(oids.nameConstraints, true, value));
  }
  return extensions;
}

function encodeExtension(oid: string, isCritical: boolean, value: Uint8Array): Uint8Array {
  const critical = isCritical ? [encodeBoolean(true)] : [];
  return encodeSequence(encodeOid(oid), ...critical, encodeOctetString(value));
}

function encodeName(commonName: string): Uint8Array {
  if (commonName === "") return encodeSequence();
  const attribute = (oid: string, text: string): Uint8Array =>
    encodeElement(tags.set, encodeSequence(encodeOid(oid), encodeText(tags.utf8String, text)));
  return encodeSequence(attribute(oids.organization, "weft"), attribute(oids.commonName, commonName));
}

function encodePublicKey(key: KeyObject): Uint8Array {
  return key.export({ type: "spki", format: "der" });
}

/** RFC 7093 method 1: the first 160 bits of the SHA-256 of the key's bits. */
function keyIdentifier(key: KeyObject): Uint8Array {
  const info = new DerReader(encodePublicKey(key)).enter(tags.sequence);
  info.next(tags.sequence);
  const bits = info.next(tags.bitString).content.subarray(1);
  return createHash("sha256").update(bits).digest().subarray(0, 20);
}

/** Positive and never zero, of constant length. */
function randomSerial(): Uint8Array {
  const serial = randomBytes(serialBytes);
  serial[0] = ((serial[0] ?? 0) & 0x7f) | 0x40;
  return serial;
}
