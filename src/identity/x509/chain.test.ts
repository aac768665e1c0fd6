/** Chains that hold and every way in which one does not; PEM. */
import { describe, expect, test } from "bun:test";
import { generateKeyPairSync, type KeyObject } from "node:crypto";
import { type AuthorityConstraints, encodeCertificate, type Issuer } from "./certificate-builder.ts";
import { verifyChain } from "./chain.ts";
import { derToPem, pemToDer } from "./pem.ts";

const nowMs = Date.UTC(2026, 5, 1);
const keys = (): { publicKey: KeyObject; privateKey: KeyObject } =>
  generateKeyPairSync("ec", { namedCurve: "P-256" });

interface Made extends Issuer {
  readonly der: Uint8Array;
}

function make(
  commonName: string,
  issuer?: Issuer,
  authority?: AuthorityConstraints,
  notAfterMs = nowMs + 1000,
): Made {
  const self = { commonName, ...keys() };
  const der = encodeCertificate(
    {
      commonName,
      publicKey: self.publicKey,
      uriSans: ["spiffe://a.weft/ns/a/sa/a"],
      dnsSans: [],
      notBeforeMs: nowMs - 1000,
      notAfterMs,
      ...(authority === undefined ? {} : { authority }),
    },
    issuer ?? self,
  );
  return { ...self, der };
}

const root = make("root", undefined, { pathLength: 1 });
const intermediate = make("intermediate", root, { pathLength: 0 });
const leaf = make("leaf", intermediate);
const roots = [root.der];

describe("a chain", () => {
  test("with and without its root holds", () => {
    expect(verifyChain({ chain: [leaf.der, intermediate.der], roots, nowMs })).toBeUndefined();
    expect(verifyChain({ chain: [leaf.der, intermediate.der, root.der], roots, nowMs })).toBeUndefined();
  });

  const stranger = make("root", undefined, { pathLength: 1 });
  const belowLeaf = make("below", leaf);
  const second = make("second", intermediate, { pathLength: 0 });
  const expired = make("expired", intermediate, undefined, nowMs - 500);
  test.each<[string, Uint8Array[], Uint8Array[], string]>([
    ["is empty", [], roots, "empty"],
    ["is not a certificate", [Uint8Array.of(1, 2, 3)], roots, "cannot be read"],
    [
      "is from a root of the same name with another key",
      [leaf.der, intermediate.der],
      [stranger.der],
      "trusted root",
    ],
    ["lacks its intermediate", [leaf.der], roots, "trusted root"],
    ["is in the wrong order", [intermediate.der, leaf.der], roots, "no CA"],
    ["has a leaf that signs", [belowLeaf.der, leaf.der, intermediate.der], roots, "no CA"],
    [
      "is longer than a path length allows",
      [make("deep", second).der, second.der, intermediate.der],
      roots,
      "no CA below",
    ],
    ["is expired", [expired.der, intermediate.der], roots, "expired"],
    ["is endless", Array<Uint8Array>(6).fill(root.der), roots, "more than 5"],
  ])("that %s is refused", (_, chain, trusted, why) => {
    expect(verifyChain({ chain, roots: trusted, nowMs })).toContain(why);
  });

  test("is refused before and at the end of its time", () => {
    expect(verifyChain({ chain: [leaf.der, intermediate.der], roots, nowMs: nowMs - 2000 })).toContain(
      "not valid yet",
    );
    expect(verifyChain({ chain: [leaf.der, intermediate.der], roots, nowMs: nowMs + 1000 })).toContain(
      "expired",
    );
  });
});

test("PEM keeps every certificate in order and leaves keys apart", () => {
  const key = Uint8Array.of(9, 9);
  const pem = derToPem(leaf.der) + derToPem(key, "PRIVATE KEY") + derToPem(root.der);
  expect(pemToDer(pem)).toEqual([leaf.der, root.der]);
  expect(pemToDer(pem, "PRIVATE KEY")).toEqual([key]);
  expect(pem.split("\n").every((line) => line.length <= 64)).toBe(true);
});
