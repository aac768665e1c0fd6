/** The command line of the bench. */
import { parseArgs } from "node:util";
import { maxRequestHeaders } from "./loads/request-headers.ts";

export const usageText = `usage: npm run bench -- --list
       npm run bench -- SCENARIO [--rounds N] [--seconds S] [--peers a,b] [--connections N] [--headers N] [--json FILE]
       npm run bench -- all --json DIRECTORY [--rounds N] [--seconds S] [--peers a,b]
       npm run bench -- all --smoke            does everything still work? One short round of each, figures not judged
       npm run bench -- --report DIRECTORY     docs/performance.md and its pictures from results`;

export interface MeasureOptions {
  /** A scenario's name, or "all". */
  readonly scenario: string;
  readonly rounds: number;
  readonly seconds: number;
  /** Undefined: all that the scenario has. */
  readonly peers: readonly string[] | undefined;
  readonly connections: number | undefined;
  readonly headers: number | undefined;
  /** A file, or with "all" a directory. */
  readonly json: string | undefined;
  /** Everything small and short: whether it works, not how fast. */
  readonly isSmoke: boolean;
}

export type BenchCommand =
  | { readonly kind: "list" }
  | { readonly kind: "report"; readonly directory: string }
  | { readonly kind: "measure"; readonly options: MeasureOptions }
  | { readonly kind: "wrong"; readonly problem: string };

const maxConnections = 10_000;

export function parseCommand(args: readonly string[]): BenchCommand {
  let parsed: ReturnType<typeof parse>;
  try {
    parsed = parse(args);
  } catch (error) {
    return { kind: "wrong", problem: error instanceof Error ? error.message : String(error) };
  }
  const { values, positionals } = parsed;
  if (values.list === true) return { kind: "list" };
  if (values.report !== undefined) return { kind: "report", directory: values.report };
  const [scenario] = positionals;
  if (scenario === undefined || positionals.length > 1)
    return { kind: "wrong", problem: "one scenario, please" };
  const numbers = {
    rounds: [1, 1000],
    seconds: [1, 600],
    connections: [1, maxConnections],
    headers: [1, maxRequestHeaders],
  } as const;
  for (const [name, [min, max]] of Object.entries(numbers)) {
    const value = Object.entries(values).find(([key]) => key === name)?.[1];
    if (
      value !== undefined &&
      !(Number(value) >= min && Number(value) <= max && Number.isInteger(Number(value)))
    )
      return { kind: "wrong", problem: `--${name} is a whole number from ${min} to ${max}` };
  }
  const isSmoke = values.smoke === true;
  if (scenario === "all" && values.json === undefined && !isSmoke)
    return { kind: "wrong", problem: "all wants a directory for its results: --json DIRECTORY" };
  const optional = (text: string | undefined): number | undefined =>
    text === undefined ? undefined : Number(text);
  return {
    kind: "measure",
    options: {
      scenario,
      rounds: isSmoke ? 1 : Number(values.rounds),
      seconds: isSmoke ? 1 : Number(values.seconds),
      peers: values.peers?.split(","),
      connections: optional(values.connections),
      headers: optional(values.headers),
      json: values.json,
      isSmoke,
    },
  };
}

function parse(args: readonly string[]) {
  return parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      list: { type: "boolean" },
      smoke: { type: "boolean" },
      report: { type: "string" },
      rounds: { type: "string", default: "5" },
      seconds: { type: "string", default: "5" },
      connections: { type: "string" },
      headers: { type: "string" },
      peers: { type: "string" },
      json: { type: "string" },
    },
  });
}
