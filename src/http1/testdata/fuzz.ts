/** Damaged messages by the million through one of the codecs, with the seed that repeats them. */
import { ChunkedFuzz } from "./fuzz-chunked.ts";
import { type Finding, RequestFuzz, ResponseFuzz } from "./fuzz-heads.ts";
import { Mutator } from "./mutator.ts";
import { type Random, randomFrom } from "./random.ts";
import { allRequestVectors, allResponseVectors } from "./tables.ts";
import type { Vector } from "./vector.ts";

export const fuzzedCodecs = ["request", "response", "chunked"] as const;
export type FuzzedCodec = (typeof fuzzedCodecs)[number];

export interface FuzzRun {
  readonly inputs: number;
  /** Inputs of which the codec accepted something: a run that accepts nothing has tested nothing. */
  readonly accepted: number;
  /** The first input for which something does not hold. */
  readonly failure: string | undefined;
}

interface Codec {
  readonly corpus: readonly Buffer[];
  check(input: Buffer, random: Random): Finding;
}

export function fuzz(name: FuzzedCodec, inputs: number, seed: number): FuzzRun {
  const random = randomFrom(seed);
  const codec = codecs[name]();
  const mutator = new Mutator(codec.corpus, random);
  let accepted = 0;
  for (let at = 0; at < inputs; at++) {
    const input = mutator.next();
    const wrong = checkOne(codec, input, random);
    if (wrong.isAccepted) accepted++;
    if (wrong.wrong === undefined) continue;
    const failure = `${name}, seed ${seed}, input ${at}: ${wrong.wrong}: ${JSON.stringify(input.toString("latin1"))}`;
    return { inputs: at + 1, accepted, failure };
  }
  return { inputs, accepted, failure: undefined };
}

function checkOne(codec: Codec, input: Buffer, random: Random): Finding {
  try {
    return codec.check(input, random);
  } catch (error) {
    return { isAccepted: false, wrong: `threw ${String(error)}` };
  }
}

const codecs: Readonly<Record<FuzzedCodec, () => Codec>> = {
  request: () => {
    const fuzzing = new RequestFuzz();
    return { corpus: corpusOf(allRequestVectors), check: (input, random) => fuzzing.check(input, random) };
  },
  response: () => {
    const fuzzing = new ResponseFuzz();
    return { corpus: corpusOf(allResponseVectors), check: (input, random) => fuzzing.check(input, random) };
  },
  chunked: () => {
    const fuzzing = new ChunkedFuzz();
    const bodies = allRequestVectors.filter(({ raw }) => /\r\nTransfer-Encoding: chunked\r\n\r\n/.test(raw));
    const corpus = corpusOf(
      bodies.map(({ raw, outcome }) => ({ raw: raw.slice(raw.indexOf("\r\n\r\n") + 4), outcome })),
    );
    return { corpus, check: (input, random) => fuzzing.check(input, random) };
  },
};

/** Most vectors are refused as they are; damage to a good one tells more, so these count more. */
const weightOfGood = 6;

function corpusOf(vectors: readonly Pick<Vector, "raw" | "outcome">[]): Buffer[] {
  const good = vectors.filter(({ outcome }) => outcome.every((line) => !line.startsWith("!")));
  const weighted = [...vectors, ...Array<typeof good>(weightOfGood).fill(good).flat()];
  return weighted.map(({ raw }) => Buffer.from(raw, "latin1"));
}
