/** `npm run fuzz -- ROOM --inputs N --seed N`: damaged input by the million. Ends with 1 at the first that breaks a rule. */
import { parseArgs } from "node:util";
import { fuzz, fuzzedCodecs } from "../../src/http1/testdata/fuzz.ts";
import { Random } from "./mutate.ts";
import { type FuzzTarget, roomTargets } from "./targets.ts";

/** Inputs of one seed: what a failure asks to be repeated takes seconds. */
const roundInputs = 100_000;

interface Run {
  readonly inputs: number;
  readonly accepted: number;
  readonly failure: string | undefined;
}
type Codec = (inputs: number, seed: number) => Run;

const http1 = Object.fromEntries(
  fuzzedCodecs.map((name): [string, Codec] => [name, (inputs, seed) => fuzz(name, inputs, seed)]),
);
const rooms: Readonly<Record<string, Readonly<Record<string, Codec>>>> = {
  http1,
  ...Object.fromEntries(
    Object.entries(roomTargets).map(([room, targets]) => [
      room,
      Object.fromEntries(
        Object.entries(targets).map(([name, target]): [string, Codec] => [name, inRounds(target)]),
      ),
    ]),
  ),
};

/** Round n has the seed `seed` + n. */
function inRounds(target: FuzzTarget): Codec {
  return (inputs, seed) => {
    let accepted = 0;
    for (let done = 0, round = seed; done < inputs; round++) {
      const count = Math.min(roundInputs, inputs - done);
      try {
        accepted += target(new Random(round), count);
      } catch (error) {
        return {
          inputs: done + count,
          accepted,
          failure: `seed ${round}, ${count} inputs: ${String(error)}`,
        };
      }
      done += count;
    }
    return { inputs, accepted, failure: undefined };
  };
}

function main(): number {
  const { values, positionals } = parseArgs({
    options: { inputs: { type: "string", default: "1000000" }, seed: { type: "string" } },
    allowPositionals: true,
  });
  const inputs = Number(values.inputs);
  const seed = Number(values.seed ?? Math.floor(Math.random() * 2 ** 31));
  const names = positionals.length === 0 ? Object.keys(rooms) : positionals;
  const isUnknown = names.some((name) => rooms[name] === undefined);
  if (isUnknown || !Number.isSafeInteger(inputs) || inputs < 1 || !Number.isSafeInteger(seed)) {
    console.error(`usage: npm run fuzz -- [${Object.keys(rooms).join("|")}] [--inputs N] [--seed N]`);
    return 64;
  }
  let isGood = true;
  for (const room of names) {
    for (const [name, codec] of Object.entries(rooms[room] ?? {})) {
      const startedMs = performance.now();
      const run = codec(inputs, seed);
      const seconds = ((performance.now() - startedMs) / 1_000).toFixed(1);
      const share = ((100 * run.accepted) / run.inputs).toFixed(1);
      console.log(
        `${room} ${name}: ${run.inputs} inputs, seed ${seed}, ${share} % accepted in part, ${seconds} s`,
      );
      if (run.failure === undefined) continue;
      console.error(run.failure);
      isGood = false;
    }
  }
  return isGood ? 0 : 1;
}

process.exit(main());
