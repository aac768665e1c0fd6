/** docs/performance.md and its pictures from a directory of results. What people wrote around the figures stays. */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { drawPicture } from "./picture.ts";
import { figuresMarkdown } from "./report-markdown.ts";
import { type ResultFile, readResults } from "./result-file.ts";
import { scenarios } from "./scenarios/index.ts";

const docs = join(import.meta.dir, "../docs");
const startMark = "<!-- figures: from here on written by `npm run bench -- --report DIRECTORY` -->";
const endMark = "<!-- end of the figures -->";

/** Returns the exit code. */
export function writeReport(directory: string): number {
  const results = readResults(directory);
  if (results.length === 0) {
    console.error(`${directory} holds no results; npm run bench -- all --json ${directory} writes some`);
    return 65;
  }
  const page = join(docs, "performance.md");
  const text = readFileSync(page, "utf8");
  const [start, end] = [text.indexOf(startMark), text.indexOf(endMark)];
  if (start < 0 || end < start) {
    console.error(`${page} has no place for the figures: the lines ${startMark} and ${endMark}`);
    return 65;
  }
  const before = text.slice(0, start + startMark.length);
  writeFileSync(page, `${before}\n\n${figuresMarkdown(results)}\n${text.slice(end)}`);
  mkdirSync(join(docs, "bench"), { recursive: true });
  for (const result of results) writePicture(result);
  console.log(`${results.length} scenarios written to docs/performance.md and docs/bench/`);
  return 0;
}

function writePicture({ scenario: name, results }: ResultFile): void {
  const scenario = scenarios.find((each) => each.name === name);
  if (scenario === undefined) return;
  const bars = Object.entries(results).flatMap(([peer, result]) => {
    const value = result[scenario.headline];
    return value === undefined ? [] : [{ name: peer, version: result.version, value }];
  });
  const picture = { title: scenario.name, figure: scenario.headline, bars };
  if (bars.length > 0) writeFileSync(join(docs, "bench", `${name}.svg`), drawPicture(picture));
}
