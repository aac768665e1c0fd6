/** Which certificates a client can verify, by what its hello says. */
import { expect, test } from "bun:test";
import { acceptsKey, type KeyKind } from "./client-keys.ts";

const hello = {
  kind: "hello",
  serverName: undefined,
  alpn: [],
  offersTls13: true,
  cipherSuites: [0x1301],
  signatureSchemes: [0x0403, 0x0804],
  hasEncryptedHello: false,
} as const;
const old = { ...hello, offersTls13: false };

test.each<[string, typeof hello | object, KeyKind[]]>([
  ["TLS 1.3 says each curve", hello, ["P-256", "RSA"]],
  ["TLS 1.3 with RSA alone", { ...hello, signatureSchemes: [0x0804] }, ["RSA"]],
  [
    "TLS 1.2 with suites of both",
    { ...old, cipherSuites: [0xc02b, 0xc02f] },
    ["P-256", "P-384", "P-521", "RSA"],
  ],
  ["TLS 1.2 with suites of RSA", { ...old, cipherSuites: [0xc02f] }, ["RSA"]],
  ["TLS 1.2 with suites of ECDSA", { ...old, cipherSuites: [0xc02b] }, ["P-256", "P-384", "P-521"]],
  ["TLS 1.2 that names no schemes", { ...old, cipherSuites: [0xc02f], signatureSchemes: [] }, ["RSA"]],
  [
    "TLS 1.2 whose schemes deny its suites",
    { ...old, cipherSuites: [0xc02b], signatureSchemes: [0x0401] },
    [],
  ],
])("%s", (_, said, expected) => {
  const kinds: KeyKind[] = ["P-256", "P-384", "P-521", "RSA"];
  expect(kinds.filter((kind) => acceptsKey({ ...hello, ...said }, kind))).toEqual(expected);
});
