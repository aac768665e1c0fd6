/** The CA's certificates as other parsers read them, its files, and the replacement of its intermediate. */
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { X509Certificate } from "node:crypto";
import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type SpiffeId, VirtualClock } from "../kernel/index.ts";
import { CertificateAuthority, peerDnsName } from "./certificate-authority.ts";
import { describeCertificate, generateKeyAndCsr, verifyChain } from "./x509/index.ts";

const dayMs = 86_400_000;
let directory = "";
let clock = new VirtualClock();
beforeEach(() => {
  directory = join(mkdtempSync(join(tmpdir(), "weft-ca-")), "ca");
  clock = new VirtualClock();
});
afterEach(() => rmSync(join(directory, ".."), { recursive: true, force: true }));

const open = (trustDomain?: string): CertificateAuthority =>
  CertificateAuthority.open(directory, trustDomain === undefined ? { clock } : { clock, trustDomain });
const idIn = (authority: CertificateAuthority): SpiffeId => ({
  trustDomain: authority.trustDomain,
  namespace: "shop",
  serviceAccount: "reviews",
});

describe("an issued certificate", () => {
  test("names exactly the identity, is no CA and chains to the root", () => {
    const authority = open();
    const issued = authority.issue(generateKeyAndCsr().csrDer, idIn(authority));
    const leaf = describeCertificate(issued.chain[0] ?? new Uint8Array());
    expect(leaf?.identity).toEqual(idIn(authority));
    expect(leaf?.uriSans).toEqual([`spiffe://${authority.trustDomain}/ns/shop/sa/reviews`]);
    expect(leaf?.dnsSans).toEqual([peerDnsName]);
    expect(leaf?.isCa).toBe(false);
    expect(leaf?.notBeforeMs).toBe(clock.nowMs() - 60_000);
    expect(leaf?.notAfterMs).toBe(issued.notAfterMs);
    expect(issued.notAfterMs).toBe(clock.nowMs() + dayMs);
    const problem = verifyChain({ chain: issued.chain, roots: authority.trustRoots(), nowMs: clock.nowMs() });
    expect(problem).toBeUndefined();
  });

  test("has a serial number of 127 bits that no other has", () => {
    const authority = open();
    const { csrDer } = generateKeyAndCsr();
    const serials = new Set(
      Array.from({ length: 50 }, () => {
        const serial = describeCertificate(
          authority.issue(csrDer, idIn(authority)).chain[0] ?? new Uint8Array(),
        )?.serial;
        expect(serial).toMatch(/^[4-7][0-9a-f]{31}$/);
        return serial;
      }),
    );
    expect(serials.size).toBe(50);
  });

  test("reads the same to the platform's own parser", () => {
    const authority = open("mesh.example");
    const issued = authority.issue(generateKeyAndCsr().csrDer, idIn(authority));
    const leaf = new X509Certificate(issued.chain[0] ?? "");
    expect(leaf.subjectAltName).toContain("URI:spiffe://mesh.example/ns/shop/sa/reviews");
    expect(Date.parse(leaf.validTo)).toBe(issued.notAfterMs);
    expect(leaf.ca).toBe(false);
    const intermediate = new X509Certificate(issued.chain[1] ?? "");
    const root = new X509Certificate(authority.trustRoots()[0] ?? "");
    expect([intermediate.ca, root.ca]).toEqual([true, true]);
    expect(leaf.verify(intermediate.publicKey) && intermediate.verify(root.publicKey)).toBe(true);
  });

  test("is refused for another trust domain, a malformed identity and an odd lifetime", () => {
    const authority = open();
    const { csrDer } = generateKeyAndCsr();
    expect(() => authority.issue(csrDer, { ...idIn(authority), trustDomain: "other.weft" })).toThrow(
      "no identity of",
    );
    expect(() => authority.issue(csrDer, { ...idIn(authority), namespace: "a/sa/b" })).toThrow(
      "no identity of",
    );
    expect(() => authority.issue(csrDer, idIn(authority), 30 * dayMs)).toThrow("lifetime");
    expect(() => authority.issue(csrDer, idIn(authority), Number.NaN)).toThrow("lifetime");
  });
});

describe("the authority on disk", () => {
  test("is private, survives a restart and keeps its trust domain", () => {
    const first = open();
    const issued = first.issue(generateKeyAndCsr().csrDer, idIn(first));
    expect(readdirSync(directory).toSorted()).toEqual(["intermediate.pem", "root.pem"]);
    expect(statSync(directory).mode & 0o777).toBe(0o700);
    for (const file of readdirSync(directory))
      expect(statSync(join(directory, file)).mode & 0o777).toBe(0o600);
    const second = open();
    expect(second.trustDomain).toBe(first.trustDomain);
    expect(second.trustRoots()).toEqual(first.trustRoots());
    const again = second.issue(generateKeyAndCsr().csrDer, idIn(second));
    expect(again.chain[1]).toEqual(issued.chain[1] ?? new Uint8Array());
  });

  test("is not opened for another trust domain, nor made for one that is none", () => {
    open("a.example");
    expect(() => open("b.example")).toThrow("trust domain a.example, not b.example");
    expect(() => open("Not A Domain")).toThrow("no trust domain");
  });

  test("is refused where others can read it, and where it is damaged", () => {
    open();
    const root = join(directory, "root.pem");
    chmodSync(root, 0o644);
    expect(() => open()).toThrow("can be read by others");
    chmodSync(root, 0o600);
    const pem = readFileSync(root, "utf8");
    writeFileSync(root, pem.slice(0, pem.length / 2));
    expect(() => open()).toThrow("does not hold a CA's key");
  });

  test("never puts a key into an error's text", () => {
    open();
    const root = join(directory, "root.pem");
    const [key = "", certificate = ""] = readFileSync(root, "utf8").split(/(?=-----BEGIN CERT)/);
    const body = key.split("\n")[1] ?? "";
    writeFileSync(root, key.replace(body.slice(0, 8), "AAAAAAAA") + certificate);
    let text = "";
    try {
      open();
    } catch (error) {
      text = Bun.inspect(error);
    }
    expect(text).toContain("does not hold a CA's key");
    expect(text).not.toContain(body.slice(10, 40));
  });

  test("with another root's intermediate makes a new intermediate", () => {
    open();
    const stale = readFileSync(join(directory, "intermediate.pem"));
    rmSync(join(directory, "root.pem"));
    const authority = open();
    const other = CertificateAuthority.open(join(directory, "../other"), { clock });
    expect(other.trustDomain).not.toBe(authority.trustDomain);
    writeFileSync(join(directory, "../other/intermediate.pem"), stale, { mode: 0o600 });
    const reopened = CertificateAuthority.open(join(directory, "../other"), { clock });
    const issued = reopened.issue(generateKeyAndCsr().csrDer, idIn(reopened));
    expect(
      verifyChain({ chain: issued.chain, roots: reopened.trustRoots(), nowMs: clock.nowMs() }),
    ).toBeUndefined();
  });
});

describe("the intermediate", () => {
  test("is replaced at half life while running, and old and new leaves both verify", () => {
    const authority = open();
    const before = authority.issue(generateKeyAndCsr().csrDer, idIn(authority), 7 * dayMs);
    clock.advance(183 * dayMs);
    const after = authority.issue(generateKeyAndCsr().csrDer, idIn(authority));
    expect(after.chain[1]).not.toEqual(before.chain[1] ?? new Uint8Array());
    const roots = authority.trustRoots();
    expect(verifyChain({ chain: after.chain, roots, nowMs: clock.nowMs() })).toBeUndefined();
    expect(verifyChain({ chain: before.chain, roots, nowMs: clock.nowMs() - 180 * dayMs })).toBeUndefined();
  });

  test("never outlives the root, and a leaf never outlives the intermediate", () => {
    const authority = open();
    clock.advance(3649.5 * dayMs);
    const issued = authority.issue(generateKeyAndCsr().csrDer, idIn(authority), 7 * dayMs);
    const root = describeCertificate(authority.trustRoots()[0] ?? new Uint8Array());
    expect(issued.notAfterMs).toBe(root?.notAfterMs ?? 0);
    clock.advance(dayMs);
    expect(() => authority.issue(generateKeyAndCsr().csrDer, idIn(authority))).toThrow(
      "root certificate is expired",
    );
  });
});
