/** `weft cert`, from its arguments to what is asked, printed and answered as exit code. */
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { listedCertificate as certificate } from "./testing/certificates.ts";
import { type FakeServer, fakeServer } from "./testing/fake-server.ts";
import { runVerb, type VerbResult } from "./testing/run-verb.ts";

let folder = "";
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "weft-cli-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const weft = (server: Pick<FakeServer, "url">, ...args: readonly string[]): Promise<VerbResult> =>
  runVerb(folder, server, args);

describe("cert", () => {
  const rotation = (phase: string, more: object = {}) => ({
    ...{ phase, aborting: false, paused: false, from: "aa", to: "bb", startedMs: 1, phaseStartedMs: 1 },
    ...{ done: 1, total: 2, behind: [], ...more },
  });
  const certificates = {
    authorities: [
      {
        kind: "root",
        subject: "CN=r",
        fingerprint: "ab".repeat(32),
        notAfterMs: 0,
        trusted: true,
        issuing: true,
      },
    ],
    certificates: [certificate("shop/web", 2, 9e12), certificate("shop/web", 1, 9e12, "stolen")],
    revoked: [],
  };
  const path = "/apis/weft.dev/v1alpha1/certificates";
  const rotationPath = "/apis/weft.dev/v1alpha1/root-rotation";

  test("list shows CAs and the newest certificate of each workload, all of them with --all", async () => {
    await using server = fakeServer({ [`GET ${path}`]: certificates });
    const { out } = await weft(server, "cert", "list");
    expect(out).toMatch(/^root +CN=r +abababababababab +\S+ +trusted, issuing$/m);
    expect(out.match(/^shop\/web/gm)?.length).toBe(1);
    expect((await weft(server, "cert", "list", "--all")).out).toContain("revoked: stolen");
  });

  test("show finds a workload or a serial number, and says where there is none", async () => {
    await using server = fakeServer({ [`GET ${path}`]: certificates });
    expect((await weft(server, "cert", "show", "shop/web")).out).toContain("serial      4a");
    expect((await weft(server, "cert", "show", "4A")).code).toBe(0);
    expect((await weft(server, "cert", "show", "shop/none")).err).toContain("no certificate of shop/none");
    expect((await weft(server, "cert", "show")).code).toBe(64);
  });

  test("revoke sends the reason", async () => {
    await using server = fakeServer({ "POST /apis/weft.dev/v1alpha1/revocations": certificates });
    await weft(server, "cert", "revoke", "shop/web", "--reason", "stolen");
    expect(server.asked.map(({ body }) => body)).toEqual([
      { action: "revoke", name: "shop/web", reason: "stolen" },
    ]);
  });

  test("rotate-root follows the change to its end and shows who is behind", async () => {
    const behind = [{ workload: "shop/slow", connected: true, why: "it is slow" }];
    const last = { outcome: "done", finishedMs: 1, from: "aa", to: "bb" };
    await using server = fakeServer({
      [`POST ${rotationPath}`]: rotation("trust", { behind }),
      [`GET ${rotationPath}`]: rotation("none", { last }),
    });
    const { code, out, err } = await weft(server, "cert", "rotate-root", "--force-after", "2m");
    expect(server.asked[0]?.body).toEqual({ action: "start", forceAfterSeconds: 120 });
    expect(err).toContain("trust: 1/2 proxies trust the new root; behind: shop/slow (it is slow)");
    expect([code, out]).toEqual([0, "done: the root is bb since 1970-01-01T00:00:00.001Z\n"]);
  });

  test("rotate-root that ends otherwise than it was asked to exits 1", async () => {
    const last = { outcome: "aborted", finishedMs: 1, from: "aa", to: "bb" };
    await using server = fakeServer({ [`POST ${rotationPath}`]: rotation("none", { last }) });
    expect((await weft(server, "cert", "rotate-root")).code).toBe(1);
    expect((await weft(server, "cert", "rotate-root", "--abort")).code).toBe(0);
    expect((await weft(server, "cert", "rotate-root", "--abort", "--continue")).code).toBe(64);
  });
});
