/**
 * Whether a client can verify what a certificate's key signs: where a name has several certificates, an older client gets
 * the one that it understands.
 */
import type { ClientHello } from "./client-hello-body.ts";

export type KeyKind = "P-256" | "P-384" | "P-521" | "RSA" | "other";

/** RFC 8446 4.2.3. Up to TLS 1.2 a scheme of ECDSA says nothing about the curve. */
const schemes: Readonly<Record<Exclude<KeyKind, "other">, readonly number[]>> = {
  "P-256": [0x0403],
  "P-384": [0x0503],
  "P-521": [0x0603],
  RSA: [0x0804, 0x0805, 0x0806],
};
const ecdsaSchemes: readonly number[] = [0x0403, 0x0503, 0x0603];
const rsaSchemes: readonly number[] = [0x0804, 0x0805, 0x0806, 0x0401, 0x0501, 0x0601];
/** Of TLS 1.2, those that we offer: the key's kind is part of the suite. */
const ecdsaSuites: readonly number[] = [0xc02b, 0xc02c, 0xcca9];
const rsaSuites: readonly number[] = [0xc02f, 0xc030, 0xcca8];

export function acceptsKey(hello: ClientHello, kind: KeyKind): boolean {
  if (kind === "other") return true;
  if (hello.offersTls13) return overlap(hello.signatureSchemes, schemes[kind]);
  const isRsa = kind === "RSA";
  if (!overlap(hello.cipherSuites, isRsa ? rsaSuites : ecdsaSuites)) return false;
  // A client that says nothing takes whatever the suite says (RFC 5246 7.4.1.4.1).
  const { signatureSchemes } = hello;
  return signatureSchemes.length === 0 || overlap(signatureSchemes, isRsa ? rsaSchemes : ecdsaSchemes);
}

function overlap(a: readonly number[], b: readonly number[]): boolean {
  return a.some((each) => b.includes(each));
}
