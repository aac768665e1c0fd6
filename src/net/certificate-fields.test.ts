/** Fields read out of certificates equal what OpenSSL reads; damaged certificates are refused, never thrown at. */
import { describe, expect, test } from "bun:test";
import { X509Certificate } from "node:crypto";
import { parsePeerCertificate } from "./certificate-fields.ts";
import { makeRoot, testUri } from "./testdata/certificates.ts";

const root = makeRoot("root");
const derOf = (pem: string): Uint8Array => new X509Certificate(pem).raw;

describe("parsePeerCertificate", () => {
  test("reads URI SANs and the end, as OpenSSL reads them", () => {
    for (const uris of [[], [testUri], [testUri, "https://example.org/a,URI:spiffe://evil/ns/a/sa/b"]]) {
      const pem = root.issue({ uris }).certChainPem;
      const peer = parsePeerCertificate(derOf(pem));
      expect(peer?.uriSans).toEqual(uris);
      expect(peer?.notAfterMs).toBe(Date.parse(new X509Certificate(pem).validTo));
    }
    expect(parsePeerCertificate(derOf(root.pem))?.uriSans).toEqual([]);
  });

  test("refuses a URI with control bytes or spaces", () => {
    for (const uri of ["spiffe://a\0b", "spiffe://a b", "spiffe://\u00fc"]) {
      expect(parsePeerCertificate(derOf(root.issue({ uris: [uri] }).certChainPem))).toBeUndefined();
    }
  });

  test("refuses every truncated certificate, and throws at no damaged one", () => {
    const bytes = derOf(root.issue().certChainPem);
    for (let end = 0; end < bytes.length; end++) {
      expect(parsePeerCertificate(bytes.subarray(0, end))).toBeUndefined();
    }
    for (let at = 0; at < bytes.length; at++) {
      const damaged = Uint8Array.from(bytes);
      damaged[at] = (damaged[at] ?? 0) ^ 0xff;
      parsePeerCertificate(damaged);
    }
  });
});
