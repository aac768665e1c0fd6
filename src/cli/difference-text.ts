/** Differences of objects as `diff -u` shows those of files, coloured where a terminal is. */
import { type Difference, isKindName, kinds } from "../api/index.ts";
import type { Output, Style } from "./output.ts";
import { plainText } from "./plain-text.ts";

interface Differences {
  readonly differences: readonly Difference[];
  readonly leftOut: number;
}

/** `before` and `after`: names of the two states. */
export function writeDifferences(
  output: Output,
  { differences, leftOut }: Differences,
  before: string,
  after: string,
): void {
  for (const { kind, namespace, name, outcome, lines, hidden } of differences) {
    const path = plainText(
      `${isKindName(kind) ? kinds[kind].singular : kind}/${namespace === "" ? "" : `${namespace}/`}${name}`,
    );
    output.line("");
    if (hidden !== undefined) {
      output.line(`${output.styled("bold", path)} ${outcome}; not shown: ${plainText(hidden)}`);
      continue;
    }
    output.line(output.styled("bold", outcome === "created" ? "--- (none)" : `--- ${before}/${path}`));
    output.line(output.styled("bold", outcome === "deleted" ? "+++ (none)" : `+++ ${after}/${path}`));
    for (const line of lines) output.line(styled(output, plainText(line)));
  }
  if (leftOut > 0) output.note(`${leftOut} more differ; ask about them one by one with --object`);
}

const styles: Readonly<Record<string, Style>> = { "-": "red", "+": "green", "@": "cyan" };

function styled(output: Output, line: string): string {
  const style = styles[line.slice(0, 1)];
  return style === undefined ? line : output.styled(style, line);
}
