/** The command line of `bench:scale`. */
import { parseArgs } from "node:util";
import { minProxies } from "./mesh.ts";

export const usageText = `usage: npm run bench:scale -- [--proxies N[,N…]] [--routes N[,N…]] [--restart] [--json FILE] [--report]
       --proxies 100,300,1000    one run for each size of the mesh (default 1000)
       --routes 10,50            edits of a route on so many real sidecars
       --restart                 each run ends with a control plane that is killed, and all its proxies coming back at once
       --json FILE               the figures; what other runs wrote there stays
       --report                  docs/performance.md's section from FILE, without a measurement`;

export interface ScaleOptions {
  readonly sizes: readonly number[];
  readonly routeSizes: readonly number[];
  readonly hasRestart: boolean;
  readonly json: string | undefined;
  readonly isReport: boolean;
}

const maxProxies = 10_000;
/** Real ones, with some 40 MB each. */
const maxRealProxies = 100;

/** A text: what is wrong. */
export function parseOptions(args: readonly string[]): ScaleOptions | string {
  let values: ReturnType<typeof parse>;
  try {
    values = parse(args);
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
  const routeSizes = numbersOf(values.routes);
  // Whoever asks for routes alone gets them alone.
  const sizes = numbersOf(values.proxies ?? (values.routes === undefined ? "1000" : undefined));
  if (!sizes.every((size) => isWithin(size, minProxies, maxProxies)))
    return `--proxies takes whole numbers from ${minProxies} to ${maxProxies}`;
  if (!routeSizes.every((size) => isWithin(size, 1, maxRealProxies)))
    return `--routes takes whole numbers from 1 to ${maxRealProxies}`;
  if (values.report === true && values.json === undefined) return "--report reads what --json names";
  return {
    sizes,
    routeSizes,
    hasRestart: values.restart === true,
    json: values.json,
    isReport: values.report === true,
  };
}

function numbersOf(text: string | undefined): number[] {
  return text === undefined ? [] : text.split(",").map(Number);
}

function isWithin(value: number, min: number, max: number): boolean {
  return Number.isInteger(value) && value >= min && value <= max;
}

function parse(args: readonly string[]) {
  return parseArgs({
    args: [...args],
    options: {
      proxies: { type: "string" },
      routes: { type: "string" },
      restart: { type: "boolean" },
      json: { type: "string" },
      report: { type: "boolean" },
    },
  }).values;
}
