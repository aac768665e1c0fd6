/**
 * A newcomer's exercise: one endpoint of a shop turns slow, and `weft check`, `weft top` and the dashboard each name it within half a minute,
 * having named nothing before.
 */
import { describe, expect, test } from "bun:test";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { hasChromium, launch, openPage, signIn } from "../../dashboard/testing/browser.ts";
import type { FindingDocument } from "../../src/api/index.ts";
import { ApiClient } from "../../src/client/index.ts";
import { eventually } from "./harness/eventually.ts";
import { root, startMesh, type TestMesh } from "./harness/mesh.ts";
import { httpPort, program, testProgram, yaml } from "./harness/resources.ts";

const namedWithinMs = 30_000;
const warmWithinMs = 60_000;
const testTimeoutMs = 120_000;
/** Answers of the catalog until all programs are warm, then until it turns slow: a window that findings can compare with. */
const answersUntilWarm = 250;
const answersBefore = 600;
const visitsPerSecond = 25;
const slowEndpoint = "default/catalog-2";
const slowFile = "catalog-2-is-slow";

const ports = [{ port: httpPort, protocol: "http" }];
const shopProgram = (name: string): readonly string[] => [
  process.execPath,
  join(root, "examples/shop", `${name}.mjs`),
];
const to = (service: string) => ({ service, port: httpPort });

const shop = yaml(
  program({
    ...{ name: "visitors", command: shopProgram("visitors"), upstreams: [to("frontend")] },
    env: { VISITS_PER_SECOND: String(visitsPerSecond) },
  }),
  program({
    ...{ name: "frontend", command: shopProgram("frontend"), ports },
    upstreams: [to("catalog"), to("reviews")],
  }),
  program({ name: "reviews", command: shopProgram("reviews-v1"), ports }),
  program({ name: "catalog-1", service: "catalog", command: testProgram("catalog"), ports }),
  program({
    ...{ name: "catalog-2", service: "catalog", command: testProgram("catalog"), ports },
    // Where the program runs: the folder of the mesh's files.
    env: { SLOW_FILE: slowFile },
  }),
);

const notOk = (findings: readonly FindingDocument[]): string[] =>
  findings.filter(({ level }) => level !== "ok").map(({ code, message }) => `${code}: ${message}`);

describe.skipIf(!hasChromium)("in Chromium (Debian's chromium)", () => {
  test(
    "an endpoint that turns slow is named by weft check, weft top and the dashboard, and nothing is before",
    async () => {
      await using mesh = await startMesh({ files: { "shop.yaml": shop } });
      const token = readFileSync(join(mesh.dataDir, "token"), "utf8").trim();
      const client = new ApiClient({ server: mesh.ready.api, token });
      const answers = async (): Promise<number> => {
        const { groups } = await client.signals({ service: "default/catalog" });
        return groups[0]?.totals.count ?? 0;
      };
      // What fails while programs start is told, rightly, and gone.
      await eventually(async () => {
        expect([(await answers()) > answersUntilWarm, notOk(await client.findings())]).toEqual([true, []]);
      }, warmWithinMs);
      const falseAlarms = new Set<string>();
      await eventually(async () => {
        for (const each of notOk(await client.findings())) falseAlarms.add(each);
        expect(await answers()).toBeGreaterThan(answersBefore);
      }, warmWithinMs);
      const before = await mesh.weft("check");
      expect([[...falseAlarms], before.code, before.stdout]).toEqual([
        [],
        0,
        expect.not.stringMatching(/^(note|bad) /m),
      ]);

      const browser = await launch();
      try {
        await using opened = await openPage(browser, mesh.ready.api, { isSignedIn: false });
        const { page } = opened;
        await page.goto("/");
        await signIn(page, token);
        await page.getByText("Nothing to do").waitFor();

        writeFileSync(join(mesh.folder, "files", slowFile), "");
        const finding = page.locator(".findings").getByText(`${slowEndpoint} of default/catalog is slow`);
        await Promise.all([
          eventually(() => checkNamesIt(mesh), namedWithinMs),
          eventually(() => topNamesIt(mesh), namedWithinMs),
          finding.waitFor({ timeout: namedWithinMs }),
        ]);
      } finally {
        await browser.close();
      }
    },
    testTimeoutMs,
  );
});

async function checkNamesIt(mesh: TestMesh): Promise<void> {
  const { code, stdout } = await mesh.weft("check");
  expect([code, stdout]).toEqual([1, expect.stringContaining(`${slowEndpoint} of default/catalog is slow`)]);
  // Its sibling is as it was.
  expect(stdout).not.toContain("default/catalog-1 of");
}

/** The first line of those that are called, the slowest first. */
async function topNamesIt(mesh: TestMesh): Promise<void> {
  const { stdout } = await mesh.weft("top", "--by", "workload", "--sort", "p50", "--once");
  expect(stdout.split("\n")[1]).toMatch(/^catalog-2\s.* \d{3}ms /);
}
