/** What must hold for the chunked decoder whatever it is given. */
import { ByteWriter } from "../../kernel/index.ts";
import { ChunkedDecoder } from "../chunked-decoder.ts";
import { encodeChunk, encodeLastChunk } from "../encode-body.ts";
import { Digest } from "./digest.ts";
import { type Finding, fuzzLimits } from "./fuzz-heads.ts";
import type { Random } from "./random.ts";

/** One decoding of one input. */
class Decoding {
  readonly digest = new Digest();
  readonly content = new ByteWriter();
  trailers: Uint8Array | undefined;
  readonly isStopped = false;
  /** A fault, or where the body ended; undefined while it has not. */
  outcome: number | undefined;

  onBody(data: Uint8Array): void {
    this.digest.body(data);
    this.content.append(data);
  }

  onTrailers(lines: Uint8Array): void {
    this.trailers = lines.slice();
    this.digest.bytes(lines);
  }

  run(input: Buffer, pieceBytes: () => number): void {
    this.digest.clear();
    this.content.clear();
    this.trailers = undefined;
    this.outcome = undefined;
    const decoder = new ChunkedDecoder(this, fuzzLimits);
    for (let from = 0; from < input.length; ) {
      const end = Math.min(input.length, from + pieceBytes());
      const after = decoder.decode(input.subarray(0, end), from, end);
      if (after < 0 || decoder.isDone) {
        this.outcome = after;
        return;
      }
      from = after;
    }
  }
}

export class ChunkedFuzz {
  readonly #whole = new Decoding();
  readonly #cut = new Decoding();
  readonly #again = new Decoding();
  readonly #out = new ByteWriter();

  check(input: Buffer, random: Random): Finding {
    const longest = random() < 0.05 ? 1 : Math.ceil(input.length / 2);
    this.#whole.run(input, () => input.length);
    this.#cut.run(input, () => 1 + Math.floor(random() * longest));
    const { outcome } = this.#whole;
    const isAccepted = outcome !== undefined && outcome >= 0;
    return {
      isAccepted,
      wrong: this.#compare(input.length) ?? (isAccepted ? this.#encodeAgain() : undefined),
    };
  }

  #compare(inputLength: number): string | undefined {
    const [a, b] = [this.#whole, this.#cut];
    if (a.outcome !== b.outcome) return `outcome ${a.outcome} whole, ${b.outcome} in pieces`;
    if (a.digest.hash !== b.digest.hash) return "other content in pieces";
    if (a.content.length > inputLength) return "more content than was given";
    if (a.outcome !== undefined && a.outcome > inputLength) return "took more than was given";
    return undefined;
  }

  #encodeAgain(): string | undefined {
    const { content, trailers } = this.#whole;
    this.#out.clear();
    encodeChunk(this.#out, content.view());
    encodeLastChunk(this.#out, trailers);
    const encoded = Buffer.from(this.#out.view());
    this.#again.run(encoded, () => encoded.length);
    if (this.#again.outcome !== encoded.length) return `encoded body ends at ${this.#again.outcome}`;
    return this.#again.digest.hash === this.#whole.digest.hash
      ? undefined
      : "encoded body holds something else";
  }
}
