/** The list of certificates: what is revoked stays so over restarts, is bounded, and goes when it is expired. */
import { afterEach, beforeEach, expect, test } from "bun:test";
import { mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { VirtualClock } from "../kernel/index.ts";
import { CertificateLedger, type KnownCertificate, numberOf } from "./certificate-ledger.ts";

const hourMs = 3_600_000;
let directory: string;
let file: string;
let clock: VirtualClock;
let ledger: CertificateLedger;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "weft-ledger-"));
  file = join(directory, "certificates.sqlite");
  clock = new VirtualClock();
  ledger = CertificateLedger.open(file, clock);
});
afterEach(() => {
  ledger.close();
  rmSync(directory, { recursive: true, force: true });
});

const certificate = (serial: string, workload = "shop/web-1"): KnownCertificate => ({
  issuer: "aa".repeat(32),
  serial,
  workload,
  identity: "spiffe://a.weft/ns/shop/sa/web",
  root: "bb".repeat(32),
  notBeforeMs: clock.nowMs(),
  notAfterMs: clock.nowMs() + 24 * hourMs,
});

test("a workload is revoked with all its certificates, one by its serial number alone", () => {
  for (const serial of ["1a", "2b"]) ledger.note(certificate(serial));
  ledger.note(certificate("3c", "shop/web-2"));
  ledger.revoke(ledger.matching("shop/web-1"), "stolen");
  ledger.revoke(ledger.matching("03:C"), "");
  expect(ledger.revoked.map(({ serial, reason }) => [serial, reason])).toEqual([
    ["1a", "stolen"],
    ["2b", "stolen"],
    ["3c", ""],
  ]);
  expect(() => ledger.matching("shop/web-9")).toThrow("no certificate of shop/web-9");
});

test("what is revoked is so after a restart, until it is taken back", () => {
  ledger.note(certificate("1a"));
  ledger.revoke(ledger.matching("shop/web-1"), "stolen");
  ledger.close();
  ledger = CertificateLedger.open(file, clock);
  expect(ledger.revoked.length).toBe(1);
  expect(ledger.unrevoke(ledger.matching("1a"))).toBe(1);
  expect(ledger.revoked).toEqual([]);
});

test("whoever hands the list out is told of each change", () => {
  let changes = 0;
  ledger.onRevoked(() => changes++);
  ledger.note(certificate("1a"));
  ledger.revoke(ledger.matching("1a"), "");
  ledger.unrevoke(ledger.matching("1a"));
  expect(changes).toBe(2);
});

test("what is expired is dropped, a day later so that a clock that goes back revives nothing", () => {
  ledger.note(certificate("1a"));
  ledger.revoke(ledger.matching("1a"), "");
  clock.advance(25 * hourMs);
  ledger.note(certificate("2b"));
  ledger.revoke(ledger.matching("2b"), "");
  expect(ledger.all().map(({ serial }) => serial)).toEqual(["2b"]);
  expect(ledger.revoked.length).toBe(2);
  clock.advance(24 * hourMs);
  ledger.note(certificate("3c"));
  ledger.revoke(ledger.matching("3c"), "");
  expect(ledger.revoked.map(({ serial }) => serial)).toEqual(["2b", "3c"]);
  expect(ledger.find("aa".repeat(32), "1a")).toBeUndefined();
});

test("no more are revoked than proxies can be told of", () => {
  const many = Array.from({ length: 10_001 }, (_, i) => certificate((i + 1).toString(16)));
  expect(() => ledger.revoke(many, "")).toThrow("no more than 10000");
  expect(ledger.revoked).toEqual([]);
});

test("is for its owner alone", () => {
  expect(statSync(file).mode & 0o777).toBe(0o600);
});

test("a number is bytes whatever its count of digits", () => {
  expect(numberOf({ issuer: "00", serial: "abc" }).serial).toEqual(Buffer.from([0x0a, 0xbc]));
});
