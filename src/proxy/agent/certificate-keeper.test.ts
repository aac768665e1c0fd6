/** The proxy's certificate over its life: first, stored, renewed, refused. */
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import {
  chmodSync,
  existsSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  unlinkSync,
  writeFileSync,
} from "node:fs";
import { createHash } from "node:crypto";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { VirtualClock, WeftError } from "../../kernel/index.ts";
import type { IssueRequest, IssueResponse } from "../../wire/index.ts";
import { CertificateKeeper } from "./certificate-keeper.ts";
import type { HeldIdentity } from "./stored-identity.ts";
import { settle, until } from "./test/settle.ts";
import { recordingLog, TestAuthority } from "./test/test-mesh.ts";

const hourMs = 3_600_000;
const identity = "spiffe://test.weft/ns/shop/sa/web";
let clock: VirtualClock;
let authority: TestAuthority;
let directory = "";
let keeper: CertificateKeeper;
let calls: (string | undefined)[] = [];
let got: HeldIdentity[] = [];
let lines: string[] = [];
let answer: (request: IssueRequest) => IssueResponse;
const file = (): string => join(directory, "data", "identity.json");

function start(
  overrides: {
    serviceAccount?: string;
    trustRootsPem?: string;
    joinTokenFile?: string | undefined;
    attestationSocket?: string;
    random?: number;
  } = {},
): void {
  keeper = new CertificateKeeper({
    path: file(),
    namespace: "shop",
    workload: "web-1",
    serviceAccount: overrides.serviceAccount ?? "web",
    joinTokenFile: "joinTokenFile" in overrides ? overrides.joinTokenFile : join(directory, "token"),
    attestationSocket: overrides.attestationSocket,
    trustRootsPem: overrides.trustRootsPem ?? authority.rootPem,
    issue: async (request, token) => {
      calls.push(token ?? request.attestation?.proof.value);
      return answer(request);
    },
    clock,
    log: recordingLog(lines),
    random: () => overrides.random ?? 0,
    onIdentity: (held) => void got.push(held),
  });
  keeper.start();
}
async function pass(ms: number): Promise<void> {
  clock.advance(ms);
  await settle();
}
const stored = (): Promise<void> => until(() => existsSync(file()), "the certificate is stored");

beforeEach(() => {
  clock = new VirtualClock();
  authority = new TestAuthority(clock.nowMs());
  directory = mkdtempSync(join(tmpdir(), "weft-keeper-"));
  writeFileSync(join(directory, "token"), "weft-join-abc\n");
  calls = [];
  got = [];
  lines = [];
  answer = (request) => authority.answer(request.csr, identity, clock.nowMs());
});
afterEach(() => {
  keeper.close();
  rmSync(directory, { recursive: true, force: true });
});

describe("the first certificate", () => {
  test("is asked for with the join token, and stored for its owner only", async () => {
    start();
    await settle();
    expect(calls).toEqual(["weft-join-abc"]);
    expect(got[0]?.id).toEqual({ trustDomain: "test.weft", namespace: "shop", serviceAccount: "web" });
    await stored();
    expect(statSync(file()).mode & 0o777).toBe(0o600);
  });

  test("is asked for again and again, and the cause is said once", async () => {
    answer = () => {
      throw new WeftError("unavailable", "connection refused");
    };
    start();
    for (let i = 0; i < 100; i++) await pass(1000);
    expect(calls.length).toBeGreaterThan(5);
    expect(calls.length).toBeLessThan(30);
    expect(lines.filter((line) => line.includes("connection refused")).length).toBe(1);
    expect(keeper.identity).toBeUndefined();
    answer = (request) => authority.answer(request.csr, identity, clock.nowMs());
    await pass(30_000);
    expect(keeper.identity).toBeDefined();
    expect(keeper.lastError).toBe("");
  });

  test("is asked for with a ticket of the attestation socket, and later ones are not", async () => {
    const attestationSocket = join(directory, "socket");
    let tickets = 0;
    const server = Bun.listen({
      unix: attestationSocket,
      socket: {
        data() {},
        open(socket) {
          const answer = { ticket: `ticket-${++tickets}`, namespace: "shop", serviceAccount: "web" };
          socket.end(`${JSON.stringify(answer)}\n`);
        },
      },
    });
    try {
      answer = () => {
        throw new WeftError("unavailable", "connection refused");
      };
      start({ joinTokenFile: undefined, attestationSocket });
      await until(() => keeper.lastError === "connection refused", "the first attempt failed");
      answer = (request) => authority.answer(request.csr, identity, clock.nowMs());
      await pass(1_000);
      await until(() => keeper.identity !== undefined, "there is a certificate");
      // A ticket that may have been used is not tried again.
      expect(calls).toEqual(["ticket-1", "ticket-2"]);
      await pass(10 * hourMs);
      await until(() => calls.length === 3, "it was renewed");
      expect([calls[2], tickets]).toEqual([undefined, 2]);
    } finally {
      server.stop(true);
    }
  });

  test("waits for a token that is not there yet", async () => {
    unlinkSync(join(directory, "token"));
    start();
    await settle();
    expect([calls.length, keeper.lastError]).toEqual([
      0,
      `the join token in ${join(directory, "token")} cannot be read`,
    ]);
    writeFileSync(join(directory, "token"), "weft-join-late");
    await pass(1000);
    expect(calls).toEqual(["weft-join-late"]);
  });

  test.each([
    [
      "is for another identity",
      (request: IssueRequest) =>
        authority.answer(request.csr, "spiffe://test.weft/ns/shop/sa/other", clock.nowMs()),
      "for shop/other",
    ],
    [
      "is from another root",
      (request: IssueRequest) =>
        new TestAuthority(clock.nowMs()).answer(request.csr, identity, clock.nowMs()),
      "another mesh",
    ],
    [
      "is expired",
      (request: IssueRequest) => authority.answer(request.csr, identity, clock.nowMs(), -1000),
      "expired",
    ],
    [
      "is empty",
      (request: IssueRequest) => ({ ...authority.answer(request.csr, identity, clock.nowMs()), chain: [] }),
      "names no identity",
    ],
  ])("that %s is refused", async (_, bad, why) => {
    answer = bad;
    start();
    await settle();
    expect(got).toEqual([]);
    expect(keeper.lastError).toContain(why);
    expect(existsSync(file())).toBe(false);
  });

  test("that answers another key's request is refused", async () => {
    let first: IssueRequest | undefined;
    answer = (request) => {
      first ??= request;
      return authority.answer(first.csr, identity, clock.nowMs());
    };
    start();
    await settle();
    expect(got.length).toBe(1);
    keeper.close();
    rmSync(join(directory, "data"), { recursive: true, force: true });
    start();
    await settle();
    expect(got.length).toBe(1);
    expect(keeper.lastError).toContain("key does not belong");
  });
});

describe("the stored certificate", () => {
  test("is used at start without asking anybody", async () => {
    start();
    await stored();
    const before = got[0];
    keeper.close();
    start();
    await settle();
    expect(calls.length).toBe(1);
    expect(got[1]).toEqual(before ?? expect.anything());
  });

  test.each<[string, () => void, Parameters<typeof start>[0], string]>([
    ["is expired", () => clock.advance(25 * hourMs), {}, "expired"],
    ["is for another service account", () => {}, { serviceAccount: "other" }, "for shop/web"],
    ["is damaged", () => writeFileSync(file(), readFileSync(file(), "utf8").slice(0, 100)), {}, "damaged"],
    ["is not what it should be", () => writeFileSync(file(), '{"certChainPem": 1}'), {}, "damaged"],
    ["can be read by others", () => chmodSync(file(), 0o644), {}, "read by others"],
  ])("that %s is left aside, and the token used", async (_, spoil, overrides, why) => {
    start();
    await stored();
    keeper.close();
    spoil();
    start(overrides);
    await settle();
    expect(calls).toEqual(["weft-join-abc", "weft-join-abc"]);
    expect(lines.join("")).toContain(why);
  });

  test("of a mesh that was made anew is left aside", async () => {
    start();
    await stored();
    keeper.close();
    const remade = new TestAuthority(clock.nowMs());
    answer = (request) => remade.answer(request.csr, identity, clock.nowMs());
    start({ trustRootsPem: remade.rootPem });
    await settle();
    expect(lines.join("")).toContain("another mesh");
    expect(keeper.identity?.trustRootsPem).toBe(remade.rootPem);
  });
});

describe("renewal", () => {
  test.each([
    [0, 0.4],
    [0.999, 0.5],
  ])("with jitter %d comes at %d of the life, without a token and with a new key", async (random, share) => {
    start({ random });
    await settle();
    const lifeMs = 24 * hourMs + 60_000;
    const dueMs = lifeMs * share - 60_000;
    await pass(dueMs - 120_000);
    expect(calls.length).toBe(1);
    await pass(240_000);
    expect(calls).toEqual(["weft-join-abc", undefined]);
    expect(got[1]?.privateKeyPem).not.toBe(got[0]?.privateKeyPem ?? "");
  });

  test("is on time on a machine that slept through its timer", async () => {
    start();
    await settle();
    // One look per minute at the wall clock: the longest that a renewal is late by.
    const asleep = clock.nowMs() + 20 * hourMs;
    const wall = clock.nowMs.bind(clock);
    clock.nowMs = () => Math.max(asleep, wall());
    await pass(60_000);
    expect(calls.length).toBe(2);
  });

  test("that fails keeps the old one until its end, and then nothing is shown and the token used", async () => {
    start();
    await settle();
    answer = () => {
      throw new WeftError("unavailable", "away");
    };
    for (let hour = 0; hour < 23; hour++) await pass(hourMs);
    expect(keeper.identity).toBe(got[0]);
    expect(new Set(calls.slice(1))).toEqual(new Set([undefined]));
    for (let i = 0; i < 4; i++) await pass(hourMs);
    expect(keeper.identity).toBeUndefined();
    expect(calls.at(-1)).toBe("weft-join-abc");
    answer = (request) => authority.answer(request.csr, identity, clock.nowMs());
    await pass(60_000);
    expect(keeper.identity).toBe(got[1]);
  });

  test("ends with the keeper", async () => {
    start();
    await settle();
    keeper.close();
    await pass(48 * hourMs);
    expect(calls.length).toBe(1);
  });
});

describe("a change of the mesh's root", () => {
  const sha256 = (der: Uint8Array): Uint8Array => createHash("sha256").update(der).digest();
  let next: TestAuthority;
  const mesh = (issuing: TestAuthority, trusted: readonly TestAuthority[], reissueWithinMs = 0) => ({
    trustRoots: trusted.map(({ rootDer }) => rootDer),
    issuingRoot: sha256(issuing.rootDer),
    reissueWithinMs,
  });
  beforeEach(() => {
    next = new TestAuthority(clock.nowMs());
  });
  const issueFrom = (issuing: TestAuthority, trusted: readonly TestAuthority[]): void => {
    answer = (request) => ({
      ...issuing.answer(request.csr, identity, clock.nowMs()),
      trustRoots: trusted.map(({ rootDer }) => Uint8Array.from(rootDer)),
    });
  };

  test.each([
    [0, 0, 0],
    [0.5, 0, 15_000],
    [0.999, 0, 29_970],
    [0.5, 2_000, 1_000],
  ])("with jitter %d within %d ms renews after %d ms", async (random, withinMs, afterMs) => {
    start({ random });
    await settle();
    issueFrom(next, [authority, next]);
    keeper.setMesh(mesh(authority, [authority, next], withinMs), true);
    await pass(31_000);
    expect(calls.length).toBe(1);
    keeper.setMesh(mesh(next, [authority, next], withinMs), true);
    await pass(Math.max(0, afterMs - 10));
    expect(calls.length).toBe(afterMs === 0 ? 2 : 1);
    await pass(20);
    expect(calls.length).toBe(2);
    expect(got.length).toBe(2);
    await pass(60_000);
    expect(calls.length).toBe(2);
  });

  test("that is aborted before it was this proxy's turn costs no renewal", async () => {
    start({ random: 0.5 });
    await settle();
    keeper.setMesh(mesh(next, [authority, next]), true);
    await pass(10_000);
    keeper.setMesh(mesh(authority, [authority, next]), true);
    await pass(60_000);
    expect(calls.length).toBe(1);
  });

  test("is over, and a restart with the root that was told at first is no new start", async () => {
    start();
    await stored();
    keeper.setMesh(mesh(authority, [authority, next]), true);
    issueFrom(next, [next]);
    keeper.setMesh(mesh(next, [authority, next]), true);
    await pass(0);
    keeper.setMesh(mesh(next, [next]), true);
    // The first of the trusted ones, in the file's own spelling.
    const oldRoot = JSON.stringify({ trustRootsPem: authority.rootPem }).slice(1, -2);
    await until(() => !readFileSync(file(), "utf8").includes(oldRoot), "the old root is forgotten");
    keeper.close();
    start();
    await settle();
    expect(calls.length).toBe(2);
    expect(keeper.identity?.trustRootsPem).toBe(next.rootPem);
    await pass(15 * hourMs);
    expect(calls.length).toBe(3);
    expect(keeper.lastError).toBe("");
  });
});

describe("the end of a certificate's life", () => {
  test("is announced at three quarters, nine tenths, every hour, and when it has come", async () => {
    start();
    await settle();
    answer = () => {
      throw new WeftError("unavailable", "connection refused");
    };
    const said = (): string[] =>
      lines.flatMap(
        (line) => /(\d+) % of the certificate's life|certificate is expired/.exec(line)?.[0] ?? [],
      );
    const life = 24 * 60 + 1;
    for (let minutes = 0; minutes < life; minutes++) await pass(60_000);
    expect(said().slice(0, 2)).toEqual(["75 % of the certificate's life", "90 % of the certificate's life"]);
    expect(said().length).toBeGreaterThanOrEqual(5);
    expect(said().at(-1)).toBe("certificate is expired");
    expect(lines.filter((line) => line.includes("75 %")).join("")).toContain("connection refused");
    const before = said().length;
    for (let minutes = 0; minutes < 121; minutes++) await pass(60_000);
    expect(said().length - before).toBe(2);
    expect(keeper.identity).toBeUndefined();
  });
});
