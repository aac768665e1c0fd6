/** What holds of the rules and boards without a Prometheus: whoever is woken is told what to type, and every alert was tried both ways. */
import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";
import { verbs } from "../../src/cli/verbs.ts";
import { observability } from "../e2e/harness/prometheus.ts";
import { readBoards, readRules } from "../e2e/harness/promql.ts";

interface Tests {
  readonly tests: readonly {
    readonly promql_expr_test: readonly { readonly expr: string; readonly exp_samples: readonly unknown[] }[];
  }[];
}

const alerts = readRules("alerts.yml");

test("every alert says how bad it is, what is wrong, and which weft commands to type", () => {
  expect(alerts.length).toBeGreaterThan(10);
  for (const { alert, labels, annotations } of alerts) {
    expect([alert, labels?.["severity"]]).toEqual([alert, expect.stringMatching(/^(page|ticket)$/)]);
    expect([alert, annotations?.["summary"]]).toEqual([alert, expect.stringMatching(/\w/)]);
    const commands = [...(annotations?.["runbook"] ?? "").matchAll(/`weft ([a-z-]+)[^`]*`/g)];
    expect([alert, commands.length]).not.toEqual([alert, 0]);
    for (const [, verb = ""] of commands) expect([alert, verb, verb in verbs]).toEqual([alert, verb, true]);
  }
});

test("every alert is tried where it must fire and where it must not", () => {
  const tests: Tests = parse(readFileSync(join(observability, "rules_test.yaml"), "utf8"));
  const cases = tests.tests.flatMap((each) => each.promql_expr_test);
  for (const { alert } of alerts) {
    const own = cases.filter(({ expr }) => expr.includes(`alertname="${alert}"`));
    const fires = own.some(({ exp_samples }) => exp_samples.length > 0);
    const isSilent = own.some(({ exp_samples }) => exp_samples.length === 0);
    expect([alert, fires, isSilent]).toEqual([alert, true, true]);
  }
});

test("boards ask for their data source, and every panel uses the one that was chosen", () => {
  const boards = readBoards();
  expect(boards.length).toBe(4);
  expect(new Set(boards.map(({ uid }) => uid)).size).toBe(boards.length);
  for (const { file, panels, templating } of boards) {
    expect(templating.list[0]).toMatchObject({ name: "datasource", type: "datasource" });
    const targets = panels.flatMap((panel) => panel.targets ?? []);
    expect([file, targets.length > 0]).toEqual([file, true]);
    for (const { datasource } of targets)
      expect([file, datasource]).toEqual([file, { type: "prometheus", uid: "${datasource}" }]);
    const known = new Set([...templating.list.map(({ name }) => name), "__rate_interval"]);
    const used = targets.flatMap(({ expr }) => [...expr.matchAll(/\$(\w+)/g)].map(([, name = ""]) => name));
    expect([file, used.filter((name) => !known.has(name))]).toEqual([file, []]);
  }
});
