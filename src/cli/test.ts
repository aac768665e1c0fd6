/** `weft test FILE…`: what becomes of requests against what is expected of them, with files alone. */
import { writeFileSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { Command, InvalidArgumentError } from "commander";
import { type Issue, WeftError } from "../kernel/index.ts";
import {
  Coverage,
  type CoverageReport,
  junitXml,
  readTestDocuments,
  runTests,
  SimulatedMesh,
  tapText,
  type TestDocument,
  type TestResult,
} from "../simulate/index.ts";
import type { Cli } from "./cli.ts";
import { offlineTrustDomain, readOfflineMesh } from "./offline-mesh.ts";
import { plainText } from "./plain-text.ts";
import { readFiles, refuse } from "./read-files.ts";
import { structured } from "./render.ts";
import { collect, type SharedOptions } from "./shared-options.ts";

interface Options extends SharedOptions {
  readonly file?: readonly string[];
  readonly junit?: string;
  readonly tap?: boolean;
  readonly coverage?: boolean;
  readonly min?: number;
}

export function command(cli: Cli): Command {
  return new Command("test")
    .argument("<files...>", "files of tests")
    .option("-f, --file <path>", "configuration, beside what the tests name; may be given again", collect)
    .option("--junit <file>", "write JUnit's XML too")
    .option("--tap", "print TAP")
    .option("--coverage", "tell which rules and policies no request came to")
    .option("--min <percent>", "tell coverage, and exit with 1 below this", parsePercent)
    .action(async (files: readonly string[], options: Options) => {
      const { tests, issues } = readTestDocuments(await readFiles(files));
      refuse(issues);
      if (tests.length === 0) throw new WeftError("bad_input", "there are no tests in the files");
      const results: TestResult[] = [];
      const reports: CoverageReport[] = [];
      for (const [paths, group] of Map.groupBy(tests, (each) => configurationOf(each, options).join("\n"))) {
        const { objects } = await readConfiguration(paths.split("\n"), group, options.namespace);
        const mesh = SimulatedMesh.of({ objects, trustDomain: offlineTrustDomain, nowMs: Date.now() });
        const coverage = new Coverage(objects);
        for (const document of group) {
          results.push(
            ...runTests(document, (request) => mesh.simulate(request), options.namespace, coverage),
          );
        }
        reports.push(coverage.report);
      }
      if (options.junit !== undefined) writeFile(options.junit, junitXml(results));
      write(cli, options, results, reports);
    });
}

function configurationOf({ file, test }: TestDocument, options: Options): string[] {
  const folder = file === "stdin" ? "." : dirname(file);
  return [...(options.file ?? []), ...test.configuration.map((path) => resolve(folder, path))];
}

async function readConfiguration(
  paths: readonly string[],
  tests: readonly TestDocument[],
  namespace: string,
) {
  const named = paths.filter((path) => path !== "");
  if (named.length > 0) return readOfflineMesh(named, namespace);
  const issues: Issue[] = tests.map(({ file }) => ({
    path: "configuration",
    message: "names no files, and there is no -f",
    file,
    line: 1,
  }));
  throw new WeftError("bad_input", "there is no configuration to test", { issues });
}

function write(
  cli: Cli,
  options: Options,
  results: readonly TestResult[],
  reports: readonly CoverageReport[],
): void {
  const failed = results.filter(({ failures }) => failures.length > 0);
  const coverage = totalOf(reports);
  const text = structured(
    { passed: results.length - failed.length, failed: failed.length, results, coverage },
    options.output,
  );
  if (options.tap === true) cli.output.write(tapText(results));
  else if (text !== undefined) cli.output.write(text);
  else writeText(cli, results, failed.length);
  const wantsCoverage = options.coverage === true || options.min !== undefined;
  if (wantsCoverage && text === undefined) writeCoverage(cli, coverage, options.tap === true);
  const isBelow = options.min !== undefined && percentOf(coverage) < options.min;
  if (isBelow) cli.output.note(`coverage is below ${options.min}%`);
  if (failed.length > 0 || isBelow) cli.exitCode = 1;
}

function writeText({ output }: Cli, results: readonly TestResult[], failed: number): void {
  for (const { file, line, name, failures } of results) {
    const mark = failures.length === 0 ? output.styled("green", "ok") : output.styled("red", "failed");
    output.line(`${mark} ${plainText(name)}${failures.length === 0 ? "" : ` (${file}:${line})`}`);
    for (const failure of failures) output.line(`  ${file}:${failure.line}: ${plainText(failure.message)}`);
  }
  output.line(`${results.length - failed} passed, ${failed} failed`);
}

/** In TAP, lines of a comment. */
function writeCoverage({ output }: Cli, coverage: CoverageReport, isTap: boolean): void {
  const mark = isTap ? "# " : "";
  const { covered, total, missing } = coverage;
  output.line(`${mark}coverage ${percentOf(coverage)}%: ${covered} of ${total} rules`);
  for (const place of missing) output.line(`${mark}  not reached: ${plainText(place)}`);
}

/** Files with configurations of their own count together. */
function totalOf(reports: readonly CoverageReport[]): CoverageReport {
  return {
    covered: reports.reduce((sum, { covered }) => sum + covered, 0),
    total: reports.reduce((sum, { total }) => sum + total, 0),
    missing: [...new Set(reports.flatMap(({ missing }) => missing))].toSorted(),
  };
}

function percentOf({ covered, total }: CoverageReport): number {
  return total === 0 ? 100 : Math.floor((100 * covered) / total);
}

function writeFile(file: string, text: string): void {
  try {
    writeFileSync(file, text);
  } catch (cause) {
    throw new WeftError("io", `${file} cannot be written`, {
      cause,
      hint: "is its folder there and writable?",
    });
  }
}

function parsePercent(text: string): number {
  if (!/^\d{1,3}$/.test(text) || Number(text) > 100)
    throw new InvalidArgumentError("write a number up to 100");
  return Number(text);
}
