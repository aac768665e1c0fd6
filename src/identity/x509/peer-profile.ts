/**
 * What a certificate of a peer must be beside "its chain is trusted and it names who it is": an end of a chain, with a key
 * that is worth checking. BoringSSL judges signatures, times, key usage and path lengths; it takes CAs and short keys.
 */
import { WeftError } from "../../kernel/index.ts";
import { type CertificateDescription, describeCertificate } from "./certificate.ts";
import { decodeOid, DerReader, tags } from "./der.ts";
import { oids } from "./oids.ts";

/** RFC 9325 section 4.1: less than 112 bits of strength is not accepted. */
const minRsaBits = 2_048;
const curves: readonly string[] = [oids.p256, oids.p384, oids.p521];

/** Undefined: nothing. Else what is wrong with it, for a log. */
export function peerProblem(der: Uint8Array): string | undefined {
  const description = describeCertificate(der);
  return problemOf(description) ?? namesProblem(description);
}

/** The same of a client that need not be a workload: whom its certificate names is for others to judge. */
export function clientProblem(der: Uint8Array): string | undefined {
  return problemOf(describeCertificate(der));
}

function problemOf(description: CertificateDescription | undefined): string | undefined {
  if (description === undefined) return "the certificate cannot be read";
  if (description.isCa) return "the certificate is a CA's own";
  return keyProblem(description.publicKeyDer);
}

function namesProblem(description: CertificateDescription | undefined): string | undefined {
  const count = description?.uriSans.length ?? 0;
  return count === 1 ? undefined : `the certificate has ${count} URI names instead of one`;
}

function keyProblem(spki: Uint8Array): string | undefined {
  try {
    const info = new DerReader(spki).enter(tags.sequence);
    const algorithm = info.enter(tags.sequence);
    const kind = decodeOid(algorithm.next(tags.oid).content);
    if (kind === oids.ed25519) return undefined;
    if (kind === oids.ecPublicKey) {
      const curve = decodeOid(algorithm.next(tags.oid).content);
      return curves.includes(curve) ? undefined : "the certificate's key is on a curve that is not accepted";
    }
    if (kind !== oids.rsaEncryption) return "the certificate's key is of a kind that is not accepted";
    const bits = rsaBits(info.next(tags.bitString).content.subarray(1));
    return bits >= minRsaBits
      ? undefined
      : `the certificate's RSA key has ${bits} bits; ${minRsaBits} are needed`;
  } catch (error) {
    if (error instanceof WeftError) return "the certificate's key cannot be read";
    throw error;
  }
}

function rsaBits(key: Uint8Array): number {
  const modulus = new DerReader(key).enter(tags.sequence).next(tags.integer).content;
  const start = modulus.findIndex((byte) => byte !== 0);
  if (start < 0) return 0;
  return (modulus.length - start) * 8 - (Math.clz32(modulus[start] ?? 0) - 24);
}
