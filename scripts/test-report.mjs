/** Reads the JUnit file that `bun test` writes: how many passed, and the full name of each failure and skip. */
import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";

/** Undefined where there is no report: the run died before its end. */
export function readTestReport(path) {
  if (statSync(path, { throwIfNoEntry: false }) === undefined) return undefined;
  const report = { passed: 0, failed: [], skipped: [] };
  const cases = /<testcase\b([^>]*?)(\/>|>([\s\S]*?)<\/testcase>)/g;
  for (const [, attributes, , body] of readFileSync(path, "utf8").matchAll(cases)) {
    if (/<skipped\b/.test(body ?? "")) report.skipped.push(fullName(attributes));
    else if (/<(failure|error)\b/.test(body ?? "")) report.failed.push(fullName(attributes));
    else report.passed++;
  }
  return report;
}

/** What `bun test` printed about each failure, at most `lines` of it: its errors stand between the test before and its own line. */
export function failureExcerpts(log, lines) {
  const excerpts = [];
  let since = [];
  for (const line of log.split("\n")) {
    since.push(line);
    if (!/^\((pass|fail|skip|todo)\) /.test(line)) continue;
    if (line.startsWith("(fail)")) excerpts.push(since.slice(-lines).join("\n"));
    since = [];
  }
  return excerpts;
}

/** The reason that test/expected-skips.json gives for a skip. An entry's `test` is the full name, or its start followed by `*`. */
export function expectedSkipReason(root, name) {
  for (const entry of JSON.parse(readFileSync(join(root, "test", "expected-skips.json"), "utf8"))) {
    const matches = entry.test.endsWith("*") ? name.startsWith(entry.test.slice(0, -1)) : name === entry.test;
    if (matches) return entry.reason;
  }
  return undefined;
}

function fullName(attributes) {
  const group = attribute(attributes, "classname");
  return `${attribute(attributes, "file")}: ${group === "" ? "" : `${group} > `}${attribute(attributes, "name")}`;
}

function attribute(text, name) {
  const value = new RegExp(`\\b${name}="([^"]*)"`).exec(text)?.[1] ?? "";
  return value.replace(/&(#\d+|amp|lt|gt|quot|apos);/g, (_, entity) => {
    if (entity.startsWith("#")) return String.fromCodePoint(Number(entity.slice(1)));
    return { amp: "&", lt: "<", gt: ">", quot: '"', apos: "'" }[entity];
  });
}
