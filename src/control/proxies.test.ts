/** Which certificates are let in, and for which workloads they speak. */
import { expect, test } from "bun:test";
import { generateKeyPairSync } from "node:crypto";
import { encodeCertificate } from "../identity/x509/index.ts";
import { type ReasonCode, VirtualClock, silentLog } from "../kernel/index.ts";
import { Registry } from "../registry/index.ts";
import { openSqliteStore } from "../store/index.ts";
import { mayActFor, mayServeGateways, requireIdentity, verifyProxy } from "./proxies.ts";

const domain = "0a1b2c3d.weft";
const keys = generateKeyPairSync("ec", { namedCurve: "P-256" });
const peer = (...uriSans: string[]) => ({
  der: encodeCertificate(
    { commonName: "", publicKey: keys.publicKey, uriSans, dnsSans: [], notBeforeMs: 0, notAfterMs: 1_000 },
    { commonName: "root", ...keys },
  ),
  uriSans,
  notAfterMs: 1_000,
});
const web = `spiffe://${domain}/ns/shop/sa/web`;

const handshakes: [string, ReturnType<typeof peer>, ReasonCode | undefined][] = [
  ["an identity of the mesh", peer(web), undefined],
  ["another mesh's", peer("spiffe://other.weft/ns/shop/sa/web"), "peer_identity_invalid"],
  ["two identities", peer(web, web), "peer_identity_invalid"],
  ["none", peer(), "peer_identity_invalid"],
  ["another kind of URI", peer("https://example.com"), "peer_identity_invalid"],
];

test.each(handshakes)("a handshake with %s", (_, certificate, expected) => {
  expect(verifyProxy(certificate, domain, () => false)?.reason).toBe(expected);
});

test("a handshake with a revoked certificate is refused, whoever it names", () => {
  const certificate = peer(web);
  const refusal = verifyProxy(certificate, domain, (der) => der === certificate.der);
  expect(refusal).toEqual({ reason: "peer_revoked", detail: "the certificate is revoked" });
});

test("a call without a certificate is refused", () => {
  expect(() => requireIdentity(undefined, domain, 0)).toThrow("certificate");
});

test("a connection that outlived its certificate is refused", () => {
  expect(requireIdentity(peer(web), domain, 999).serviceAccount).toBe("web");
  expect(() => requireIdentity(peer(web), domain, 1_000)).toThrow("not valid");
});

test.each([
  ["its own namespace", "shop/web-1", true],
  ["another namespace", "bank/web-1", false],
  ["no workload", "shop", false],
  ["an empty name", "shop/", false],
  ["too many parts", "shop/web/1", false],
])("may act for %s: %p", (_, workload, expected) => {
  const clock = new VirtualClock();
  const store = openSqliteStore({ path: ":memory:", clock, log: silentLog });
  const { views } = new Registry({ store, clock, log: silentLog });
  const id = { trustDomain: domain, namespace: "shop", serviceAccount: "web" };
  expect(mayActFor(id, workload, views)).toBe(expected);
  store.close();
});

test("only a named service account serves gateways: its namespace alone is not enough", () => {
  const id = (namespace: string, serviceAccount: string) => ({
    trustDomain: domain,
    namespace,
    serviceAccount,
  });
  const accounts = ["weft-system/gateway"];
  expect(mayServeGateways(id("weft-system", "gateway"), accounts)).toBe(true);
  expect(mayServeGateways(id("weft-system", "other"), accounts)).toBe(false);
  expect(mayServeGateways(id("shop", "gateway"), accounts)).toBe(false);
  expect(mayServeGateways(id("weft-system", "gateway"), [])).toBe(false);
});
