/** The HTTP/1.1 codecs under damaged input: request parser, response parser, chunked decoder, `inputs` of each. */
import { fuzz, fuzzedCodecs } from "../../src/http1/testdata/fuzz.ts";
import type { FuzzOptions } from "./fuzz-options.ts";

export function fuzzHttp1({ inputs, seed }: FuzzOptions): boolean {
  let isGood = true;
  for (const codec of fuzzedCodecs) {
    const startedMs = performance.now();
    const run = fuzz(codec, inputs, seed);
    const seconds = ((performance.now() - startedMs) / 1_000).toFixed(1);
    const share = ((100 * run.accepted) / run.inputs).toFixed(1);
    console.log(
      `http1 ${codec}: ${run.inputs} inputs, seed ${seed}, ${share} % accepted in part, ${seconds} s`,
    );
    if (run.failure === undefined) continue;
    console.error(run.failure);
    isGood = false;
  }
  return isGood;
}
