/** The table of a run, on the terminal and between two marks of a page. */
import { readFileSync, writeFileSync } from "node:fs";
import { type Trial, violationsOf } from "./trial.ts";

const [beginMark, endMark] = ["<!-- begin of a run -->", "<!-- end of a run -->"];

export const tableHead = [
  "| fault | hit | requests | wrong verdicts | failures explained / not | writes lost | converged | control MB | proxy MB | CPU awaited |",
  "| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |",
].join("\n");

export function tableRow(trial: Trial): string {
  const explained = trial.tally.failures.length - trial.unexplained.length;
  const cells = [
    ...[trial.fault, trial.hit, String(trial.tally.requests), String(trial.tally.wrongVerdicts.length)],
    `${explained} / ${trial.unexplained.length}`,
    trial.lost.length === 0 ? "0" : "some",
    trial.convergedMs === undefined ? "never" : `${(trial.convergedMs / 1_000).toFixed(1)} s`,
    ...[String(Math.round(trial.controlMb)), String(Math.round(trial.proxyMb))],
    trial.cpuWait === undefined ? "not known" : `${Math.round(trial.cpuWait * 100)} %`,
  ];
  return `| ${cells.join(" | ")} |`;
}

export function violationLines(trial: Trial): string {
  return violationsOf(trial)
    .map((violation) => `  ! ${violation}\n`)
    .join("");
}

/** Replaces what stands between the marks. Throws where the page has none. */
export function writeReport(path: string, trials: readonly Trial[], summary: string): void {
  const page = readFileSync(path, "utf8");
  const [begin, end] = [page.indexOf(beginMark), page.indexOf(endMark)];
  if (begin < 0 || end < begin) throw new Error(`${path} has no "${beginMark}" with "${endMark}" behind it`);
  const broken = trials.map(violationLines).join("");
  const parts = [tableHead, ...trials.map(tableRow), "", summary, ...(broken === "" ? [] : ["", broken])];
  const before = page.slice(0, begin + beginMark.length);
  writeFileSync(path, `${before}\n\n${parts.join("\n")}\n\n${page.slice(end)}`);
}
