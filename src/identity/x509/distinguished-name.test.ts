/** Names of certificates as text that stands in headers: no certificate can say more than its own names. */
import { expect, test } from "bun:test";
import { generateKeyPairSync } from "node:crypto";
import { encodeCertificate } from "./certificate-builder.ts";
import { encodeElement, encodeOid, encodeSequence } from "./der.ts";
import { readCertificateNames } from "./distinguished-name.ts";

/** A certificate with this subject; the rest is as small as it may be. */
function withSubject(...parts: readonly (readonly [oid: string, tag: number, value: string | Uint8Array])[]) {
  const subject = parts.map(([oid, tag, value]) =>
    encodeElement(0x31, encodeSequence(encodeOid(oid), encodeElement(tag, bytesOf(value)))),
  );
  const empty = encodeSequence();
  return encodeSequence(
    encodeSequence(
      encodeElement(2, Uint8Array.of(1)),
      empty,
      empty,
      empty,
      encodeSequence(...subject),
      empty,
    ),
  );
}

function bytesOf(value: string | Uint8Array): Uint8Array {
  return typeof value === "string" ? new TextEncoder().encode(value) : value;
}

const cn = "2.5.4.3";
const utf8 = 0x0c;

test.each<[string, ReturnType<typeof withSubject>, string]>([
  ["the last part comes first", withSubject(["2.5.4.10", utf8, "shop"], [cn, 0x13, "web"]), "CN=web,O=shop"],
  ["separators", withSubject([cn, utf8, 'a,b+c"d\\e<f>g;h']), 'CN=a\\,b\\+c\\"d\\\\e\\<f\\>g\\;h'],
  ["edges", withSubject([cn, utf8, " #x "]), "CN=\\ #x\\ "],
  ["a number sign in front", withSubject([cn, utf8, "#x"]), "CN=\\#x"],
  ["line breaks", withSubject([cn, utf8, "a\r\nCN: b"]), "CN=a\\0D\\0ACN: b"],
  ["letters beyond ASCII", withSubject([cn, utf8, "é"]), "CN=\\C3\\A9"],
  ["two-byte text", withSubject([cn, 0x1e, Uint8Array.of(0, 0x61, 0, 0xe9)]), "CN=a\\C3\\A9"],
  ["no keyword", withSubject(["1.2.3.4", utf8, "x"]), "1.2.3.4=#0c0178"],
  ["no text", withSubject([cn, 0x30, "x"]), "CN=#300178"],
  ["nothing", withSubject(), ""],
])("a subject with %s", (_, der, expected) => {
  expect(readCertificateNames(der)?.subject).toBe(expected);
});

test("alternative names are read as they are, and what cannot be one is left out", () => {
  const keys = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const now = Date.now();
  const der = encodeCertificate(
    {
      commonName: "web",
      publicKey: keys.publicKey,
      uriSans: ["spiffe://a.weft/ns/x/sa/y", "urn:has space"],
      dnsSans: ["web.example", "a;b"],
      notBeforeMs: now,
      notAfterMs: now + 1_000,
    },
    { commonName: "web", ...keys },
  );
  expect(readCertificateNames(der)).toMatchObject({
    uriSans: ["spiffe://a.weft/ns/x/sa/y"],
    dnsSans: ["web.example", "a;b"],
  });
});

test("bytes that are no certificate have no names", () => {
  const whole = withSubject([cn, utf8, "web"]);
  for (let length = 0; length < whole.length; length++) {
    expect(readCertificateNames(whole.subarray(0, length))).toBeUndefined();
  }
});
