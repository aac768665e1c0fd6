/** `npm run fuzz -- <codec> --inputs N --seed N`: damaged input by the million. Ends with 1 at the first that breaks a rule. */
import { parseArgs } from "node:util";
import type { FuzzOptions } from "./fuzz-options.ts";
import { fuzzHttp1 } from "./http1.ts";

/** Each prints what it did and returns whether every rule held. */
const codecs: Readonly<Record<string, (options: FuzzOptions) => boolean>> = {
  http1: fuzzHttp1,
};

function main(): number {
  const { values, positionals } = parseArgs({
    options: { inputs: { type: "string", default: "1000000" }, seed: { type: "string" } },
    allowPositionals: true,
  });
  const inputs = Number(values.inputs);
  const seed = Number(values.seed ?? Math.floor(Math.random() * 2 ** 31));
  const names = positionals.length === 0 ? Object.keys(codecs) : positionals;
  const unknown = names.filter((name) => codecs[name] === undefined);
  if (unknown.length > 0 || !Number.isSafeInteger(inputs) || inputs < 1 || !Number.isSafeInteger(seed)) {
    console.error(`usage: npm run fuzz -- [${Object.keys(codecs).join("|")}] [--inputs N] [--seed N]`);
    return 64;
  }
  const isGood = names.map((name) => codecs[name]?.({ inputs, seed }) ?? false);
  return isGood.every(Boolean) ? 0 : 1;
}

process.exit(main());
