/** Certificate requests: proof of possession, weak keys, every byte changed and every cut. */
import { describe, expect, test } from "bun:test";
import { generateKeyPairSync, type KeyObject, sign } from "node:crypto";
import {
  constructedTag,
  encodeBitString,
  encodeElement,
  encodeInteger,
  encodeOid,
  encodeSequence,
} from "./der.ts";
import { oids } from "./oids.ts";
import { generateKeyAndCsr, maxRequestBytes, parseCsr } from "./signing-request.ts";

function requestFor(
  publicKey: KeyObject,
  privateKey: KeyObject,
  algorithm: string = oids.ecdsaWithSha256,
): Uint8Array {
  const body = encodeSequence(
    encodeInteger(Uint8Array.of(0)),
    encodeSequence(),
    publicKey.export({ type: "spki", format: "der" }),
    encodeElement(constructedTag(0)),
  );
  return encodeSequence(
    body,
    encodeSequence(encodeOid(algorithm)),
    encodeBitString(sign("sha256", body, privateKey)),
  );
}

describe("a certificate request", () => {
  test("that was made here is accepted and gives back its key", () => {
    const { privateKeyPem, csrDer } = generateKeyAndCsr();
    expect(privateKeyPem).toStartWith("-----BEGIN PRIVATE KEY-----");
    expect(parseCsr(csrDer).asymmetricKeyDetails?.namedCurve).toBe("prime256v1");
  });

  test("with a P-384 key is accepted", () => {
    const { publicKey, privateKey } = generateKeyPairSync("ec", { namedCurve: "P-384" });
    expect(parseCsr(requestFor(publicKey, privateKey)).asymmetricKeyDetails?.namedCurve).toBe("secp384r1");
  });

  test("signed with another key than its own is refused", () => {
    const own = generateKeyPairSync("ec", { namedCurve: "P-256" });
    const other = generateKeyPairSync("ec", { namedCurve: "P-256" });
    expect(() => parseCsr(requestFor(own.publicKey, other.privateKey))).toThrow("does not match its key");
  });

  test.each([
    ["an RSA key of 1024 bits", () => generateKeyPairSync("rsa", { modulusLength: 1024 })],
    ["an ECDSA key of 224 bits", () => generateKeyPairSync("ec", { namedCurve: "P-224" })],
  ])("with %s is refused", (_, generate) => {
    const { publicKey, privateKey } = generate();
    expect(() => parseCsr(requestFor(publicKey, privateKey))).toThrow("P-256 or P-384");
  });

  test("signed with SHA-1 is refused", () => {
    const { publicKey, privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
    expect(() => parseCsr(requestFor(publicKey, privateKey, "1.2.840.10045.4.1"))).toThrow(
      "sign with ECDSA and SHA-2",
    );
  });

  test("with any byte changed is refused or still proves the same key", () => {
    const { csrDer } = generateKeyAndCsr();
    const key = parseCsr(csrDer).export({ type: "spki", format: "der" });
    let refused = 0;
    for (let i = 0; i < csrDer.length; i++) {
      const changed = Uint8Array.from(csrDer);
      changed[i] = (changed[i] ?? 0) ^ 0x01;
      try {
        expect(parseCsr(changed).export({ type: "spki", format: "der" })).toEqual(key);
      } catch (error) {
        expect(error).toHaveProperty("code", "bad_input");
        refused++;
      }
    }
    expect(refused).toBe(csrDer.length);
  });

  test("that is cut short anywhere or too long is refused with bad_input", () => {
    const { csrDer } = generateKeyAndCsr();
    for (let length = 0; length < csrDer.length; length++) {
      expect(() => parseCsr(csrDer.subarray(0, length))).toThrow("not valid DER");
    }
    expect(() => parseCsr(new Uint8Array(maxRequestBytes + 1))).toThrow("larger than");
  });
});
