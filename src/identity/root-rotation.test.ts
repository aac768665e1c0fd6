/** A change of root on disk: what is trusted and issued in each phase, and that a crash at any point leaves one of its steps. */
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { VirtualClock } from "../kernel/index.ts";
import { CertificateAuthority } from "./certificate-authority.ts";
import { fingerprintOf } from "./x509/fingerprint.ts";
import { certificateNumber, generateKeyAndCsr, verifyChain } from "./x509/index.ts";

let directory: string;
let clock: VirtualClock;
beforeEach(() => {
  directory = join(mkdtempSync(join(tmpdir(), "weft-rotation-")), "ca");
  clock = new VirtualClock();
});
afterEach(() => rmSync(join(directory, ".."), { recursive: true, force: true }));

const open = (): CertificateAuthority =>
  CertificateAuthority.open(directory, { clock, trustDomain: "a.weft" });

/** Which roots are trusted, which one issues for workloads, and which one for the control plane: "o" the old one, "n" the new one. */
function picture(authority: CertificateAuthority, old: string): string {
  const { csrDer } = generateKeyAndCsr();
  const id = { trustDomain: "a.weft", namespace: "x", serviceAccount: "y" };
  const letter = (root: string): string => (root === old ? "o" : "n");
  const trusted = authority.trustRoots().map((der) => letter(fingerprintOf(der)));
  const issued = authority.issue(csrDer, id);
  const own = authority.issue(csrDer, id, undefined, "control");
  for (const { chain } of [issued, own])
    expect(verifyChain({ chain, roots: authority.trustRoots(), nowMs: clock.nowMs() })).toBeUndefined();
  return `${trusted.join("")} ${letter(issued.root)} ${letter(own.root)}`;
}

const start = (): { authority: CertificateAuthority; old: string } => {
  const authority = open();
  const old = authority.trust.issuing;
  authority.rotation.start();
  return { authority, old };
};

test("goes from root to root, each certificate verifying beneath what is trusted at the time", () => {
  const { authority, old } = start();
  expect(picture(authority, old)).toBe("on o o");
  expect(authority.rotation.advance()).toBe("issue");
  expect(picture(authority, old)).toBe("on n o");
  expect(authority.rotation.advance()).toBe("retire");
  expect(picture(authority, old)).toBe("n n n");
  expect(authority.rotation.advance()).toBe("done");
  expect(picture(authority, old)).toBe("n n n");
  expect(authority.rotation.current).toBeUndefined();
  expect(authority.rotation.last?.outcome).toBe("done");
});

test.each([
  ["trust", 0, ["o o o"]],
  ["issue", 1, ["on o o", "o o o"]],
  ["retire", 2, ["on n n", "on o n", "o o o"]],
])("aborted in %s it goes back, step by step", (_, advances, pictures) => {
  const { authority, old } = start();
  for (let i = 0; i < advances; i++) authority.rotation.advance();
  authority.rotation.abort();
  const seen = [picture(authority, old)];
  while (authority.rotation.advance() !== "aborted") seen.push(picture(authority, old));
  expect(seen).toEqual(pictures);
  expect(picture(authority, old)).toBe("o o o");
  expect(authority.rotation.last?.outcome).toBe("aborted");
  expect(() => authority.rotation.abort()).toThrow("not being changed");
});

test("pauses after a phase until it is told to go on, and is not begun twice", () => {
  const authority = open();
  authority.rotation.start({ pauseAfter: "trust" });
  expect(() => authority.rotation.start()).toThrow("already");
  expect(authority.rotation.advance()).toBe("paused");
  expect(authority.rotation.current).toMatchObject({ phase: "trust", isPaused: true });
  authority.rotation.resume();
  expect(authority.rotation.advance()).toBe("issue");
  authority.rotation.abort();
  expect(() => authority.rotation.abort()).toThrow("aborted already");
});

describe("on disk", () => {
  test("every step is there after a restart", () => {
    let { authority, old } = start();
    const steps: string[] = [];
    for (;;) {
      const before = picture(authority, old);
      authority.close();
      authority = open();
      expect(picture(authority, old)).toBe(before);
      steps.push(before);
      if (authority.rotation.current === undefined) break;
      authority.rotation.advance();
    }
    expect(steps).toEqual(["on o o", "on n o", "n n n", "n n n"]);
  });

  test("keys are private, and go with their root", () => {
    const { authority } = start();
    const names = readdirSync(directory);
    expect(names.length).toBe(5);
    for (const name of names) expect(statSync(join(directory, name)).mode & 0o777).toBe(0o600);
    for (let i = 0; i < 3; i++) authority.rotation.advance();
    const left = readdirSync(directory).toSorted();
    expect(left.length).toBe(3);
    expect(left).not.toContain("root.pem");
  });

  test("what a crash left before it was noted is removed", () => {
    open();
    writeFileSync(join(directory, "root-0a0b0c0d.pem"), readFileSync(join(directory, "root.pem")), {
      mode: 0o600,
    });
    expect(open().trustRoots().length).toBe(1);
    expect(readdirSync(directory).toSorted()).toEqual(["intermediate.pem", "root.pem"]);
  });

  test("a lost or damaged state is not guessed", () => {
    const { authority } = start();
    for (let i = 0; i < 3; i++) authority.rotation.advance();
    const file = join(directory, "trust.json");
    const text = readFileSync(file, "utf8");
    rmSync(file);
    expect(open).toThrow("root.pem is missing");
    writeFileSync(file, text.slice(0, 20), { mode: 0o600 });
    expect(open).toThrow("damaged");
    writeFileSync(file, text, { mode: 0o600 });
    expect(open().trust.issuing).toBe(authority.trust.issuing);
  });
});

test("tells the root of a certificate by its issuer", () => {
  const { authority, old } = start();
  const id = { trustDomain: "a.weft", namespace: "x", serviceAccount: "y" };
  const rootOf = (): string | undefined => {
    const [leaf = new Uint8Array()] = authority.issue(generateKeyAndCsr().csrDer, id).chain;
    return authority.rootOf(Buffer.from(certificateNumber(leaf)?.issuer ?? []).toString("hex"));
  };
  expect(rootOf()).toBe(old);
  authority.rotation.advance();
  expect(rootOf()).toBe(authority.rotation.current?.to ?? "");
});
