/** Plans, replays and tests of files alone: the shop's own moves, and what the verbs say and answer. */
import { afterAll, describe, expect, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { decodeMessage, planReportSchema } from "../api/index.ts";
import { runVerb } from "./testing/run-verb.ts";

const folder = mkdtempSync(join(tmpdir(), "weft-plan-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const nobody = { url: "http://127.0.0.1:1" };
const shop = join(import.meta.dir, "../../examples/shop");
const base = ["programs", "gateway", "routes"].flatMap((name) => ["--base", join(shop, `${name}.yaml`)]);
const configuration = ["programs", "gateway", "routes"].flatMap((name) => ["-f", join(shop, `${name}.yaml`)]);

function file(name: string, content: string): string {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
}

const record = file(
  "traffic.ndjson",
  [
    { format: "weft-traffic", version: 1, writer: "0.1.0", startedAt: "2026-01-01T00:00:00.000Z", asked: {} },
    ...["a", "b", "c"].map((requestId) => ({
      record: {
        direction: "DIRECTION_OUTBOUND",
        proxy: "default/frontend",
        sourceWorkload: "default/frontend",
        destinationService: "default/reviews",
        destinationPort: 9080,
        protocol: "HTTP/1.1",
        method: "GET",
        scheme: "http",
        authority: "reviews:9080",
        path: "/reviews/1",
        requestId,
      },
    })),
    { record: { direction: "DIRECTION_INBOUND", proxy: "default/reviews-v1" } },
    { loss: { proxy: "default/frontend", count: 7 } },
    { somethingNew: true },
  ]
    .map((line) => `${JSON.stringify(line)}\n`)
    .join(""),
);

const denial = file(
  "deny.yaml",
  `apiVersion: weft.dev/v1alpha1
kind: AuthorizationPolicy
metadata: { name: nobody }
spec:
  selector: { matchLabels: { app: reviews } }
  action: Deny
  rules: [{}]
`,
);

describe("plan", () => {
  test.each(["reviews-90-10", "reviews-v2"])("of the shop's move %s", async (move) => {
    const { code, out } = await runVerb(folder, nobody, [
      "plan",
      ...base,
      "-f",
      join(shop, `moves/${move}.yaml`),
    ]);
    expect(code).toBe(0);
    const golden = join(import.meta.dir, `testdata/plan-${move}.txt`);
    if (process.env["WEFT_UPDATE_GOLDEN"] === "1") writeFileSync(golden, out);
    expect(out).toBe(readFileSync(golden, "utf8"));
  });

  test("what compiles to the same bytes touches nobody", async () => {
    const same = file(
      "same.yaml",
      readFileSync(join(shop, "routes.yaml"), "utf8").replace("request: 3s", "request: 3000ms"),
    );
    const { out } = await runVerb(folder, nobody, ["plan", ...base, "-f", same]);
    expect(out).toContain("HTTPRoute default/reviews configured");
    expect(out).toContain("0 of 7 proxies are sent something\n");
  });

  test("recorded requests that end otherwise are told, and fail where that is asked for", async () => {
    const args = ["plan", ...base, "-f", join(shop, "moves/reviews-v2.yaml"), "--traffic", record];
    const { code, out } = await runVerb(folder, nobody, [...args, "--fail-on", "flips"]);
    expect(out).toContain("3 of 3 requests end otherwise:");
    expect(out).toContain("default/frontend: GET http://reviews.default:9080/reviews/1 (3 times)");
    expect(out).toContain("forwarded to default/reviews-v1:9080 -> forwarded to default/reviews-v2:9080");
    expect(code).toBe(1);
    expect((await runVerb(folder, nobody, [...args, "--fail-on", "warnings"])).code).toBe(0);
  });

  test("a policy that locks out is a warning", async () => {
    const args = ["plan", ...base, "-f", denial, "--traffic", record, "--fail-on", "warnings"];
    const { code, out } = await runVerb(folder, nobody, args);
    expect(out).toContain(
      "warning locks_out: AuthorizationPolicy default/nobody denies everything to everybody",
    );
    expect(out).toContain(
      "warning locks_out: all 3 recorded requests to reviews.default:9080 that were let in are denied, by AuthorizationPolicy default/nobody",
    );
    expect(code).toBe(1);
  });

  test("mistakes that an author can hardly mean are warnings", async () => {
    const mistakes = file(
      "mistakes.yaml",
      `apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: { name: mistakes }
spec:
  parentRefs: [{ group: "", kind: Service, name: catalog, port: 9080 }]
  rules:
    - { name: all, backendRefs: [{ name: catalog, port: 9080 }] }
    - { name: late, backendRefs: [{ name: catalog, port: 9080 }] }
    - name: nowhere
      matches: [{ path: { type: PathPrefix, value: /n } }]
      backendRefs: [{ name: nobody-has-it, port: 9080 }, { name: catalog, port: 7 }]
    - name: none
      matches: [{ path: { type: PathPrefix, value: /z } }]
      backendRefs: [{ name: catalog, port: 9080, weight: 0 }]
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: { name: lost }
spec:
  parentRefs: [{ name: shop, sectionName: no-such-listener }]
  rules: [{ backendRefs: [{ name: catalog, port: 9080 }] }]
---
apiVersion: v1
kind: Service
metadata: { name: empty }
spec: { selector: { app: nobody }, ports: [{ port: 80 }] }
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: { name: to-empty }
spec:
  parentRefs: [{ group: "", kind: Service, name: ratings, port: 9080 }]
  rules: [{ backendRefs: [{ name: empty, port: 80 }] }]
---
apiVersion: weft.dev/v1alpha1
kind: AuthorizationPolicy
metadata: { name: aimless }
spec: { selector: { matchLabels: { app: nobody } }, action: Deny, rules: [{}] }
`,
    );
    const { out } = await runVerb(folder, nobody, ["plan", ...base, "-f", mistakes, "-o", "json"]);
    const decoded = decodeMessage(planReportSchema, JSON.parse(out), "response");
    const warnings = "object" in decoded ? decoded.object.warnings : [];
    const codes = warnings.map(({ code, message }) => `${code} ${message}`).toSorted();
    const has = (code: string, part: string): boolean =>
      codes.some((text) => text.startsWith(code) && text.includes(part));
    expect(
      has(
        "shadowed_rule",
        "late of HTTPRoute default/mistakes is never reached at Service default/catalog:9080",
      ),
    ).toBe(true);
    expect(has("unresolved", "nobody-has-it")).toBe(true);
    expect(has("zero_weights", "none of HTTPRoute default/mistakes")).toBe(true);
    expect(has("attaches_to_nothing", "HTTPRoute default/lost")).toBe(true);
    expect(has("no_endpoints", "default/empty:80")).toBe(true);
    expect(has("selects_nothing", "app=nobody")).toBe(true);
    expect(codes.filter((text) => text.startsWith("shadowed_rule"))).toHaveLength(1);
  });

  test("a deletion is a change too", async () => {
    const { code, out } = await runVerb(folder, nobody, ["plan", ...base, "--delete", "httproute/reviews"]);
    expect(code).toBe(0);
    expect(out).toContain("HTTPRoute default/reviews deleted");
    expect(out).toContain("Outbound default/reviews:9080@default changed");
  });
});

describe("what is asked wrongly, or of nobody, is answered with what to do", () => {
  const routes = ["-f", join(shop, "routes.yaml")];
  const offline = "; --base PATH compares with files and needs none";
  test.each<[string, number, readonly string[], string]>([
    ["no change", 64, ["plan"], "say what changes: -f PATH or --delete KIND/NAME"],
    ["a kind that there is not", 64, ["plan", ...base, "--delete", "frog/a"], 'there is no kind "frog"'],
    ["no name", 64, ["plan", ...base, "--delete", "httproute"], "write KIND/NAME or KIND/NAMESPACE/NAME"],
    ["a plan without a server", 69, ["plan", ...routes], offline],
    ["a replay without a server", 69, ["replay", record, ...routes], offline],
    [
      "an explanation without a server",
      69,
      ["explain", "--from", "a", "--to", "http://b/"],
      "; -f PATH asks files",
    ],
    ["a record that is not there", 65, ["replay", join(folder, "no"), ...routes], "no does not exist"],
    ["a record that is a folder", 65, ["plan", ...base, ...routes, "--traffic", folder], "is a folder"],
    [
      "configuration in a test's place",
      65,
      ["test", join(shop, "routes.yaml")],
      "is a HTTPRoute and no RequestTest",
    ],
  ])("%s", async (_, code, args, words) => {
    const answer = await runVerb(folder, nobody, args);
    expect([answer.code, answer.out]).toEqual([code, ""]);
    expect(answer.err).toContain(words);
  });

  test("an object of another namespace is named with it", async () => {
    const { code, out } = await runVerb(folder, nobody, [
      "plan",
      ...base,
      "--delete",
      "httproute/default/reviews",
    ]);
    expect([code, out]).toEqual([0, expect.stringContaining("HTTPRoute default/reviews deleted")]);
  });
});

describe("replay", () => {
  test("counts what ends otherwise, and says what the record does not tell", async () => {
    const args = ["replay", record, "-f", join(shop, "moves/reviews-v2.yaml"), ...base];
    const { code, out, err } = await runVerb(folder, nobody, [...args, "--fail-on-flips"]);
    expect(out).toContain("3 of 3 requests end otherwise:");
    expect(err).toContain("1 records of servers' sides were left out");
    expect(err).toContain("7 requests are not in the record");
    expect(code).toBe(1);
  });

  test.each([
    ["no record", "apiVersion: v1\n", ":1: is no JSON"],
    [
      "a newer version",
      '{"format":"weft-traffic","version":2}\n',
      "is of version 2; this weft reads version 1",
    ],
    ["a broken line", '{"format":"weft-traffic","version":1}\n{"rec\n{}\n', ":2: is no JSON"],
  ])("%s is refused with its line", async (_, content, message) => {
    const path = file("bad.ndjson", content);
    const { code, err } = await runVerb(folder, nobody, [
      "replay",
      path,
      "-f",
      join(shop, "routes.yaml"),
      ...base,
    ]);
    expect(code).toBe(65);
    expect(err).toContain(message);
  });
});

describe("test", () => {
  const good = `
tests:
  - name: "version 1 gets everything"
    from: frontend
    request: { url: "http://reviews:9080/reviews/1" }
    expect: { verdict: forwarded, backend: reviews-v1, route: reviews, timeout: 3s, share: { reviews-v1: 1, reviews-v2: 0 } }
`;

  test("passes, and tells what no test came to", async () => {
    const path = file("good.yaml", good);
    const { code, out } = await runVerb(folder, nobody, [
      "test",
      path,
      ...configuration,
      "--coverage",
      "--min",
      "90",
    ]);
    expect(out).toContain("ok version 1 gets everything");
    expect(out).toContain("1 passed, 0 failed");
    expect(out).toContain("coverage 50%: 1 of 2 rules\n  not reached: HTTPRoute default/shop rules[0]");
    expect(code).toBe(1);
    expect((await runVerb(folder, nobody, ["test", path, ...configuration])).code).toBe(0);
  });

  test("a failure is told with its line, in text, TAP and JUnit", async () => {
    const path = file(
      "wrong.yaml",
      good
        .replace("backend: reviews-v1", "backend: reviews-v9")
        .replace("gets everything", "gets <all> & #more"),
    );
    const junit = join(folder, "junit.xml");
    const { code, out } = await runVerb(folder, nobody, [
      "test",
      path,
      ...configuration,
      "--tap",
      "--junit",
      junit,
    ]);
    expect(code).toBe(1);
    expect(out).toContain("TAP version 14\n1..1\nnot ok 1 - version 1 gets <all> & \\#more\n");
    expect(out).toContain(`${path}:6: expected backend reviews-v9, got default/reviews-v1:9080`);
    const xml = readFileSync(junit, "utf8");
    expect(xml).toContain('<testsuites name="weft test" tests="1" failures="1" errors="0">');
    expect(xml).toContain('<testcase name="version 1 gets &lt;all&gt; &amp; #more"');
  });

  test("a file that is no test is refused with line and field", async () => {
    const path = file(
      "bad.yaml",
      "tests:\n  - name: a\n    from: frontend\n    request: { url: http://x }\n    expect: { veredict: denied }\n",
    );
    const { code, err } = await runVerb(folder, nobody, ["test", path, ...configuration]);
    expect(code).toBe(65);
    expect(err).toContain(`${path}:5: tests[0].expect.veredict`);
  });

  test("without configuration there is nothing to test", async () => {
    const { code, err } = await runVerb(folder, nobody, ["test", file("alone.yaml", good)]);
    expect(code).toBe(65);
    expect(err).toContain("names no files, and there is no -f");
  });
});
