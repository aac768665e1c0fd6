/** `history`, `diff` and `rollback`: what they ask, and what they print. */
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseMoment } from "./moment.ts";
import { type Answers, type FakeServer, fakeServer } from "./testing/fake-server.ts";
import { runVerb, type VerbResult } from "./testing/run-verb.ts";

let folder = "";
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "weft-cli-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const weft = (server: Pick<FakeServer, "url">, ...args: readonly string[]): Promise<VerbResult> =>
  runVerb(folder, server, args);

const mesh = "/apis/weft.dev/v1alpha1";
const change = { kind: "HTTPRoute", namespace: "default", name: "split", outcome: "configured" };
const span = { fromMs: 0, toMs: 1, p50Ms: 2 };
const entry = {
  ...{ revision: 7, timeMs: 1_700_000_000_000, author: "ann@here", message: "send a tenth to v2" },
  sourceCommit: "3f2a9c1d5b7e8f90",
  changes: [change],
};
const difference = { ...change, lines: ["@@ -1,1 +1,1 @@", "-weight: 1", "+weight: 5"] };
const diff = { from: 5, to: 7, differences: [difference], leftOut: 0 };

describe("history", () => {
  test("lists revisions with their commits, and with signals where the server has them", async () => {
    const signals = {
      before: { ...span, count: 120, failures: 0, p99Ms: 4.25 },
      after: { ...span, count: 80, failures: 8, p99Ms: 31.4 },
    };
    const answers: Answers = { [`GET ${mesh}/history`]: { items: [{ ...entry, signals }] } };
    await using server = fakeServer(answers);
    const { out } = await weft(server, "history", "--service", "web", "--around", "10m ago", "-n", "shop");
    expect(out.split("\n")[0]?.split(/\s{2,}/)).toEqual([
      ...["REVISION", "AGE", "AUTHOR", "CHANGES", "COMMIT", "BEFORE", "AFTER", "MESSAGE"],
    ]);
    expect(out).toContain("3f2a9c1d5b   120 req, 0.0% failed, p99 4.3 ms   80 req, 10.0% failed, p99 31 ms");
    const query = new URLSearchParams(server.asked[0]?.path.split("?")[1]);
    expect(query.get("service")).toBe("shop/web");
    expect(Math.abs(Number(query.get("aroundMs")) - (Date.now() - 600_000))).toBeLessThan(60_000);
  });

  test("says where to go on when a search ended early, and names objects by their kinds", async () => {
    await using server = fakeServer({ [`GET ${mesh}/history`]: { items: [entry], continueBefore: 7 } });
    const { err } = await weft(server, "history", "--object", "httproute/split", "--author", "ann");
    expect(err).toContain("--before 7");
    expect(server.asked[0]?.path).toContain("object=HTTPRoute%2Fdefault%2Fsplit");
    expect((await weft(server, "history", "--object", "frog/x")).code).toBe(64);
  });

  test("shows one revision whole", async () => {
    const document = { entry, differences: [difference], leftOut: 0 };
    await using server = fakeServer({ [`GET ${mesh}/history/7`]: document });
    const { out } = await weft(server, "history", "7");
    for (const text of ["revision 7", "ann@here", "3f2a9c1d5b7e8f90", "send a tenth to v2", "+weight: 5"])
      expect(out).toContain(text);
  });
});

describe("diff", () => {
  test("shows differences of objects", async () => {
    await using server = fakeServer({ [`GET ${mesh}/diff`]: diff });
    const { out } = await weft(server, "diff", "r5");
    expect(out).toBe(
      [
        "",
        "--- r5/httproute/default/split",
        "+++ r7/httproute/default/split",
        ...["@@ -1,1 +1,1 @@", "-weight: 1", "+weight: 5", ""],
      ].join("\n"),
    );
    await weft(server, "diff", "5", "7");
    expect(server.asked[1]?.path).toBe(`${mesh}/diff?from=5&to=7`);
    expect((await weft(server, "diff", "five")).code).toBe(64);
  });
});

test("completion knows the options of diff, and workloads by their names", async () => {
  const workload = (name: string) => ({
    ...{ apiVersion: "weft.dev/v1alpha1", kind: "MeshWorkload", spec: { addresses: ["10.0.0.1"] } },
    metadata: {
      ...{ name, namespace: "shop", uid: name, resourceVersion: "1", generation: 1 },
      creationTimestamp: "2026-01-01T00:00:00Z",
    },
  });
  const list = {
    ...{ kind: "MeshWorkloadList", apiVersion: "weft.dev/v1alpha1", metadata: { resourceVersion: "1" } },
    items: [workload("web-1"), workload("reviews-1")],
  };
  await using server = fakeServer({
    "GET /apis/weft.dev/v1alpha1/namespaces/shop/meshworkloads": list,
  });
  const complete = async (...words: string[]) => (await weft(server, "complete", "--", ...words)).out;
  expect(await complete("diff", "5", "--e")).toBe("--effective\n");
  expect(await complete("diff", "5", "-n", "shop", "--workload", "w")).toBe("web-1\n");
  expect(await complete("explain", "-n", "shop", "--from", "")).toBe("reviews-1\nweb-1\n");
});

describe("rollback", () => {
  const answer = { revision: 8, results: [change], differences: [difference], leftOut: 0 };

  test("says what it did, and with --dry-run what it would do", async () => {
    await using server = fakeServer({ [`POST ${mesh}/rollback`]: answer });
    const done = await weft(server, "rollback", "5", "--only", "httproute/split", "-m", "better so");
    expect([done.code, done.out, done.err]).toEqual([0, "httproute/split configured\n", "revision 8\n"]);
    expect(server.asked[0]?.body).toMatchObject({
      ...{ revision: 5, dryRun: false, message: "better so" },
      only: [{ kind: "HTTPRoute", namespace: "default", name: "split" }],
    });
    const dry = await weft(server, "rollback", "5", "--dry-run");
    expect(dry.out).toContain("+weight: 5");
    expect(dry.out).toContain("httproute/split configured (dry run)");
  });
});

describe("moments", () => {
  const now = new Date(2026, 0, 31, 14, 0, 0).getTime();
  test.each<[string, number]>([
    ["10m", now - 600_000],
    ["1h30m ago", now - 5_400_000],
    ["13:05", now - 55 * 60_000],
    ["15:00", now - 23 * 3_600_000],
    ["2026-01-31T10:00:00Z", Date.UTC(2026, 0, 31, 10)],
  ])("%s is understood", (text, expected) => {
    expect(parseMoment(text, now)).toBe(expected);
  });

  test.each(["yesterday", "", "25:00", "2026-13-01"])("%p is not", (text) => {
    expect(() => parseMoment(text, now)).toThrow("is no time");
  });
});
