/** Each row of rows/*.yaml: the verdict, the rule that decides, what is noted; and that `explain` tells the same story. */
import { describe, expect, test } from "bun:test";
import {
  AuthorizationTable,
  type AuthorizationVerdict,
  type DecidedBy,
} from "../../../src/decide/admission/index.ts";
import { AuthorizationLevel } from "../../../src/model/index.ts";
import { readRows, type Row, rowsMesh } from "./rows.ts";

const rows = readRows();

test("there are at least 400 rows, and none twice", () => {
  expect(rows.length).toBeGreaterThanOrEqual(400);
  const names = rows.map(({ group, title }) => `${group} ${title}`);
  expect(names.filter((name, index) => names.indexOf(name) !== index)).toEqual([]);
});

for (const [group, rowsOfGroup] of Map.groupBy(rows, (row) => row.group)) {
  describe(group, () => {
    for (const row of rowsOfGroup ?? []) test(row.title || "a plain request", () => check(row));
  });
}

function check({ authorization, request, expect: wanted, then, notes }: Row): void {
  const table = AuthorizationTable.prepare(authorization, rowsMesh);
  const noted: string[] = [];
  const note = (by: DecidedBy, verdict: string): number => noted.push(`${ruleText(by)} ${verdict}`);
  const verdict = table.decide(request, note);
  expect(verdictText(verdict)).toBe(wanted);
  if (then !== undefined) expect(verdictText(table.afterCustom(request, note))).toBe(then);
  expect(noted).toEqual([...notes]);
  if (verdict.verdict === "deny") expect(verdict.hint).not.toBe("");
  explainsTheSame(table, { verdict, request });
}

function explainsTheSame(
  table: AuthorizationTable,
  { verdict, request }: { readonly verdict: AuthorizationVerdict; readonly request: Row["request"] },
): void {
  const explanation = table.explain(request);
  expect(explanation.verdict).toEqual(verdict);
  const matching = explanation.policies.flatMap(({ source, rules }) =>
    rules.filter(({ isMatch }) => isMatch).map(({ rule }) => ruleText({ source, rule })),
  );
  const { by } = verdict.verdict === "ask" ? { by: verdict.custom[0]?.by } : verdict;
  if (by !== undefined) expect(matching).toContain(ruleText(by));
  for (const { rules } of explanation.policies)
    for (const { isMatch, mismatch } of rules) expect(mismatch === "").toBe(isMatch);
}

function verdictText(verdict: AuthorizationVerdict): string {
  if (verdict.verdict === "ask") return `ask ${verdict.custom.map(({ by }) => ruleText(by)).join(" ")}`;
  if (verdict.by !== undefined) return `${verdict.verdict} ${ruleText(verdict.by)}`;
  if (verdict.verdict === "allow" || verdict.hint.includes("denies by default"))
    return `${verdict.verdict} by default`;
  const level = verdict.level === undefined ? "all" : AuthorizationLevel[verdict.level].toLowerCase();
  return `deny at ${level}`;
}

function ruleText({ source, rule }: Pick<DecidedBy, "source" | "rule">): string {
  return rule === "" ? source.name : `${source.name}[${rule}]`;
}
