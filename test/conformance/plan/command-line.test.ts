/** The verbs that ask about a running mesh, against a control plane over its real ports: what people read. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { runVerb, type VerbResult } from "../../../src/cli/testing/run-verb.ts";
import { AskedControl, denial, door, doorKey, split } from "../../../src/control/test/asked-control.ts";
import { Telemetry } from "../../../src/wire/index.ts";

let asked: AskedControl;
beforeAll(async () => {
  asked = await AskedControl.start(doorKey().secret);
});
afterAll(() => asked.close());

const weft = (...args: readonly string[]): Promise<VerbResult> =>
  runVerb(asked.directory, { url: asked.control.apiUrl }, args, asked.token);

test("what each workload has differs readably between two revisions", async () => {
  const first = await asked.revision();
  const second = await asked.apply(split(25), denial, door(8443));
  const { code, out, err } = await weft("diff", `r${first}`, String(second), "--effective");
  expect([code, err]).toEqual([0, ""]);
  const text = out.replaceAll(`r${first} `, "rA ").replaceAll(`r${second}`, "rB");
  const golden = join(import.meta.dir, "testdata/effective-diff.txt");
  if (process.env["WEFT_UPDATE_GOLDEN"] === "1") writeFileSync(golden, text);
  expect(text).toBe(readFileSync(golden, "utf8"));

  const one = await weft("diff", String(first), "--effective", "--workload", "reviews-1");
  expect(one.out).toContain(`1 of 1 proxies differ between r${first} and r${second}:\n  default/reviews-1\n`);
  const json = await weft("diff", String(first), "--effective", "-o", "json");
  expect(JSON.parse(json.out)).toMatchObject({ from: first, to: second, touched: 3, unaffected: 1 });
});

test("a proxy that is not there, and a workload of objects, are refused with what to do", async () => {
  const lost = await weft("diff", "1", "--effective", "--workload", "lost");
  expect([lost.code, lost.out]).toEqual([1, ""]);
  expect(lost.err).toContain("there is no proxy of default/lost; weft status lists them");
  const objects = await weft("diff", "1", "--workload", "reviews-1");
  expect([objects.code, objects.out]).toEqual([64, ""]);
  expect(objects.err).toContain("give --effective too");
});

test("a recent request is explained by its id, and one that nobody saw says what is known", async () => {
  const { web } = asked;
  if (web === undefined) throw new Error("no identity");
  await asked.client(web).unary(Telemetry.method.report, {
    proxy: "default/web-1",
    refusals: [
      {
        ...{ requestId: "seen", reason: "denied_by_policy", policy: "AuthorizationPolicy default/nobody" },
        sourceIdentity: `spiffe://${asked.control.trustDomain}/ns/default/sa/web`,
        ...{ service: "default/reviews", destination: "default/reviews-1", port: 9080 },
        ...{ protocol: "http", method: "DELETE", authority: "reviews:9080", path: "/refused" },
      },
    ],
  });
  const seen = await weft("explain", "seen");
  expect([seen.code, seen.err]).toEqual([0, ""]);
  expect(seen.out).toContain("DELETE http://reviews:9080/refused");
  expect(seen.out).toContain("HTTPRoute default/split");
  const never = await weft("explain", "never");
  expect([never.code, never.out]).toEqual([1, ""]);
  expect(never.err).toContain("what a tap saw or a policy refused");
});
