/** Whom a proxy speaks to, told from the certificate: aliases of the trust domain, and what is revoked. */
import { expect, test } from "bun:test";
import { create } from "@bufbuild/protobuf";
import { certificateNumber, pemToDer } from "../../identity/x509/index.ts";
import { MeshSchema } from "../../model/index.ts";
import type { PeerCertificate } from "../../net/index.ts";
import { TestAuthority } from "../testing/test-authority.ts";
import { PeerTrust } from "./peer-trust.ts";

const authority = new TestAuthority();

function peer(uri = authority.identity("web")): PeerCertificate {
  const [der = new Uint8Array()] = pemToDer(authority.issue("web").certChainPem);
  return { der, uriSans: [uri], notAfterMs: Date.now() + 1_000 };
}

test.each<[string, string, boolean]>([
  ["the same identity", "spiffe://test.weft/ns/default/sa/web", true],
  ["the same workload of an alias", "spiffe://old.weft/ns/default/sa/web", true],
  ["another workload of an alias", "spiffe://old.weft/ns/default/sa/other", false],
  ["the same name in another namespace", "spiffe://old.weft/ns/other/sa/web", false],
  ["the same workload of a domain that is no alias", "spiffe://other.weft/ns/default/sa/web", false],
  ["no identity", "https://test.weft/ns/default/sa/web", false],
])("of an expected identity, %s is it: %p", (_, uri, isExpected) => {
  const trust = new PeerTrust(() => create(MeshSchema, { trustDomainAliases: ["old.weft"] }));
  expect(trust.isExpected(peer(uri), "spiffe://test.weft/ns/default/sa/web")).toBe(isExpected);
  const isOfMesh = !uri.startsWith("https") && !uri.includes("other.weft");
  expect(trust.identityIn(peer(uri), "test.weft") !== undefined).toBe(isOfMesh);
});

test("nothing is expected where no identity is", () => {
  expect(new PeerTrust(() => undefined).isExpected(peer(""), "")).toBe(false);
});

test("a certificate that the newest configuration revokes is refused, and one that it does not is not", () => {
  const bad = peer();
  const number = certificateNumber(bad.der);
  let mesh = create(MeshSchema, {});
  const trust = new PeerTrust(() => mesh);
  expect([trust.refusalOf(bad), trust.hasRevoked]).toEqual([undefined, false]);
  mesh = create(MeshSchema, { revoked: number === undefined ? [] : [number] });
  expect(trust.refusalOf(bad)?.reason).toBe("peer_revoked");
  expect([trust.refusalOf(peer()), trust.hasRevoked]).toEqual([undefined, true]);
  mesh = create(MeshSchema, {});
  expect(trust.refusalOf(bad)).toBeUndefined();
});
