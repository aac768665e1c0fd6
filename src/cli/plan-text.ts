/** A plan as text: warnings and flips first, then who is sent what. */
import type { EffectiveChanges, EffectiveDiff, Flip, PlanReport, RequestResult } from "../api/index.ts";
import type { Output, Style } from "./output.ts";
import { plainText } from "./plain-text.ts";

const maxNames = 8;
const maxFlips = 50;

/** `isWide`: with every proxy by name, and every flip. */
export function writePlan(output: Output, report: PlanReport, isWide: boolean): void {
  const { touched, unaffected, requests, flips, warnings, objects } = report;
  for (const { kind, namespace, name, outcome, diff } of objects) {
    output.line(`${plainText(`${kind} ${namespace === "" ? "" : `${namespace}/`}${name}`)} ${outcome}`);
    writeDiff(output, diff);
  }
  const all = touched + unaffected;
  output.line(`${touched} of ${all} proxies are sent something${touched === 0 ? "" : ":"}`);
  writeGroups(output, report, isWide);
  const flipped = flips.reduce((sum, { count }) => sum + count, 0);
  if (requests === 0)
    output.line("no requests are known to ask about; weft tap --record FILE makes a --traffic FILE");
  else output.line(`${flipped} of ${requests} requests end otherwise${flipped === 0 ? "" : ":"}`);
  writeFlips(output, flips, isWide ? flips.length : maxFlips);
  for (const { code, message } of warnings) {
    output.line(`${output.styled("yellow", `warning ${code}`)}: ${plainText(message)}`);
  }
  if (report.warningsOmitted > 0) output.line(`and ${report.warningsOmitted} more warnings`);
}

/** How what proxies have differs between two revisions. `isWide`: with every proxy by name. */
export function writeEffectiveDiff(output: Output, diff: EffectiveDiff, isWide: boolean): void {
  const { from, to, touched, unaffected } = diff;
  const end = touched === 0 ? "" : ":";
  output.line(`${touched} of ${touched + unaffected} proxies differ between r${from} and r${to}${end}`);
  writeGroups(output, diff, isWide);
}

/** Proxies to which the same happens stand together. */
function writeGroups(output: Output, report: EffectiveChanges, isWide: boolean): void {
  const told = new Map(report.changes.map((change) => [change.what, change]));
  const shown = new Set<string>();
  const groups = Map.groupBy(report.workloads, ({ changes }) => changes.join("\n"));
  for (const same of groups.values()) {
    const names = same.map(({ name, role }) => (role === "gateway" ? `Gateway ${name}` : name));
    const cut = isWide ? names : names.slice(0, maxNames);
    const more = names.length > cut.length ? ` and ${names.length - cut.length} more` : "";
    output.line(`  ${plainText(cut.join(", "))}${more}`);
    for (const what of same[0]?.changes ?? []) {
      const change = told.get(what);
      output.line(`    ${plainText(what)}${change === undefined ? "" : ` ${change.outcome}`}`);
      if (change === undefined || shown.has(what)) continue;
      shown.add(what);
      writeDiff(output, change.diff, "      ");
    }
  }
  if (report.workloadsOmitted > 0) output.line(`  and ${report.workloadsOmitted} more proxies`);
  if (report.changesOmitted > 0) output.line(`  and ${report.changesOmitted} more differences, not shown`);
}

export function writeFlips(output: Output, flips: readonly Flip[], most: number): void {
  for (const { request, count, before, after } of flips.slice(0, most)) {
    const { from, method = "GET", url } = request;
    const caller = from.workload ?? from.gateway ?? `${from.namespace ?? ""}/${from.serviceAccount ?? ""}`;
    const times = count === 1 ? "" : ` (${count} times)`;
    output.line(`  ${plainText(`${caller}: ${method} ${url}`)}${times}`);
    output.line(`    ${plainText(`${resultText(before)} -> ${resultText(after)}`)}`);
  }
  if (flips.length > most) output.line(`  and ${flips.length - most} more kinds of requests`);
}

function resultText({ outcome, backends }: RequestResult): string {
  const { verdict, status, reason, by } = outcome;
  const parts = [
    verdict,
    ...(backends.length === 0 || verdict !== "forwarded" ? [] : [`to ${backends.join(", ")}`]),
    ...(status === undefined ? [] : [String(status)]),
    ...(reason === undefined ? [] : [reason]),
    ...(by === undefined ? [] : [`by ${by.kind} ${by.namespace}/${by.name}`]),
  ];
  return parts.join(" ");
}

const styles: Readonly<Record<string, Style>> = { "+": "green", "-": "red", "…": "dim" };

function writeDiff(output: Output, diff: readonly string[], indent = "  "): void {
  for (const line of diff) {
    const style = styles[line.charAt(0)];
    const text = `${indent}${plainText(line)}`;
    output.line(style === undefined ? text : output.styled(style, text));
  }
}
