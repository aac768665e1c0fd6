/** The JSON of one scenario's run, as docs/performance.md and the pictures are made from it. */
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import Type from "typebox";
import { Check } from "typebox/value";
import { type Figures, isFigureName } from "./figures.ts";

const schema = Type.Object({
  scenario: Type.String(),
  machine: Type.String(),
  date: Type.String(),
  rounds: Type.Number(),
  seconds: Type.Number(),
  connections: Type.Number(),
  headers: Type.Number(),
  unit: Type.String(),
  /** For each peer: its version, the figures that the scenario has, and the number of errors, with which there are no figures. */
  results: Type.Record(
    Type.String(),
    Type.Intersect([
      Type.Object({ version: Type.String(), errors: Type.Number() }),
      Type.Record(Type.String(), Type.Union([Type.Number(), Type.String()])),
    ]),
  ),
  /** Why a peer is not among the results. */
  failures: Type.Record(Type.String(), Type.String()),
});

export type PeerResult = Figures & { readonly version: string; readonly errors: number };

export interface ResultFile {
  readonly scenario: string;
  readonly machine: string;
  readonly date: string;
  readonly rounds: number;
  readonly seconds: number;
  readonly connections: number;
  readonly headers: number;
  readonly unit: string;
  readonly results: Readonly<Record<string, PeerResult>>;
  readonly failures: Readonly<Record<string, string>>;
}

export function writeResult(file: string, result: ResultFile): void {
  writeFileSync(file, `${JSON.stringify(result, rounded, 2)}\n`);
}

/** Four decimals are more than any of the figures is good for. */
function rounded(_: string, value: unknown): unknown {
  return typeof value === "number" ? Number(value.toFixed(4)) : value;
}

/** Throws on a file that is no result: a report must not leave something out in silence. */
export function readResults(directory: string): ResultFile[] {
  const files = readdirSync(directory).filter((name) => name.endsWith(".json"));
  return files.toSorted().map((name) => parseResult(join(directory, name)));
}

function parseResult(file: string): ResultFile {
  const value: unknown = JSON.parse(readFileSync(file, "utf8"));
  if (!Check(schema, value)) throw new Error(`${file} is not a result of the bench`);
  const results = Object.entries(value.results).map(([name, { version, errors, ...rest }]) => {
    const figures: Record<string, number> = {};
    for (const [figure, number] of Object.entries(rest))
      if (isFigureName(figure) && typeof number === "number") figures[figure] = number;
    return [name, { version, errors, ...figures }] as const;
  });
  return { ...value, results: Object.fromEntries(results) };
}
