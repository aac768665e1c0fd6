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

/** A page with the two marks. Read before a run begins, since a run takes long. */
export class ReportPage {
  readonly #path: string;

  /** Throws where the page cannot be read or has no marks. */
  constructor(path: string) {
    this.#path = path;
    this.#parts();
  }

  /** Replaces what stands between the marks. */
  write(trials: readonly Trial[], summary: string): void {
    const [before, after] = this.#parts();
    const broken = trials.map(violationLines).join("");
    const table = [tableHead, ...trials.map(tableRow), "", summary, ...(broken === "" ? [] : ["", broken])];
    writeFileSync(this.#path, `${before}\n\n${table.join("\n")}\n\n${after}`);
  }

  #parts(): readonly [string, string] {
    const page = readFileSync(this.#path, "utf8");
    const [begin, end] = [page.indexOf(beginMark), page.indexOf(endMark)];
    if (begin < 0 || end < begin)
      throw new Error(`${this.#path} has no "${beginMark}" with "${endMark}" behind it`);
    return [page.slice(0, begin + beginMark.length), page.slice(end)];
  }
}
