#!/usr/bin/env bun
/**
 * The long form of the mutation test: bun src/http2/fuzz/run.ts [inputs] [seed] [target]. Prints the seed of each round;
 * a fault ends it with the input in hexadecimal.
 */
import { Random } from "./mutate.ts";
import { type Target, targets } from "./targets.ts";

/** Of ten million inputs, by what a target costs. */
const shares: Readonly<Record<Target, number>> = { hpack: 0.4, frames: 0.2, server: 0.25, client: 0.15 };
const roundInputs = 100_000;

const [, , inputsText = "10000000", seedText, only] = process.argv;
const inputs = Number(inputsText);
const firstSeed = seedText === undefined ? Date.now() >>> 0 : Number(seedText);

function isTarget(name: string): name is Target {
  return Object.hasOwn(targets, name);
}

let total = 0;
for (const name of Object.keys(targets)) {
  if (!isTarget(name) || (only !== undefined && only !== name)) continue;
  const wanted = Math.ceil(inputs * (only === undefined ? shares[name] : 1));
  let valid = 0;
  let done = 0;
  for (let round = 0; done < wanted; round++) {
    const count = Math.min(roundInputs, wanted - done);
    const seed = firstSeed + round;
    try {
      valid += targets[name](new Random(seed), count);
    } catch (error) {
      console.log(
        `${name}, seed ${seed}, ${count} inputs: ${error instanceof Error ? error.stack : String(error)}`,
      );
      process.exit(1);
    }
    done += count;
  }
  total += done;
  console.log(`${name}: ${done} inputs from seed ${firstSeed} on, ${valid} still valid, no fault`);
}
console.log(`${total} mutated inputs, no fault`);
