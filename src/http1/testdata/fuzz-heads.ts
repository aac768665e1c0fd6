/** What must hold for a message parser whatever it is given; returns what is wrong, or whether a head was accepted. */
import { ByteWriter } from "../../kernel/index.ts";
import { encodeRequestHead, encodeResponseHead } from "../encode-head.ts";
import { defaultHttp1Limits, type Http1Limits } from "../limits.ts";
import type { MessageHead } from "../message-head.ts";
import type { MessageParser } from "../message-parser.ts";
import { RequestParser } from "../request-parser.ts";
import type { RequestHead } from "../request-head.ts";
import { ResponseParser } from "../response-parser.ts";
import type { ResponseHead } from "../response-head.ts";
import { Digest } from "./digest.ts";
import type { Random } from "./random.ts";

export interface Finding {
  readonly isAccepted: boolean;
  /** Undefined where everything holds. */
  readonly wrong: string | undefined;
}

/** Small ones, so that mutations reach them. */
export const fuzzLimits: Http1Limits = {
  ...defaultHttp1Limits,
  maxHeadBytes: 1_024,
  maxTargetBytes: 300,
  maxHeaders: 24,
  maxChunkExtensionBytes: 64,
  maxTrailerBytes: 256,
};

/** An encoded head may have a few lines more than the one it was read from. */
const againLimits: Http1Limits = {
  ...fuzzLimits,
  maxHeadBytes: 4_096,
  maxHeaders: 64,
  maxTargetBytes: 1_024,
};

/** One parse of one input: the digest of its tale and what was left over. */
class Reading<Head extends MessageHead> {
  readonly digest = new Digest();
  readonly heads: Head[] = [];
  rest = 0;

  onHead(head: Head): void {
    this.heads.push(head);
    this.digest.heads++;
    this.digest.number(head.headerCount);
    this.digest.number(head.body.length);
    this.digest.number(head.contentLength);
    this.digest.number(head.keepAlive ? 1 : 0);
    this.digest.bytes(head.bytes, head.fieldsStart, head.fieldsEnd);
  }

  onEnd(): void {
    this.digest.ends++;
    this.digest.number(0x1234);
  }

  clear(): void {
    this.digest.clear();
    this.heads.length = 0;
    this.rest = 0;
  }
}

/** Pushes `input` in pieces; what a parser leaves is pushed again in front of the next piece. */
function feed(
  parser: MessageParser,
  input: Buffer,
  cuts: readonly number[],
): { rest: number; wrong: string | undefined } {
  let from = 0;
  for (let i = 0; i <= cuts.length; i++) {
    const end = cuts[i] ?? input.length;
    const given = end - from;
    const consumed = parser.push(input.subarray(from, end));
    if (consumed > given || consumed < 0) return { rest: 0, wrong: `took ${consumed} of ${given} bytes` };
    if (parser.bufferedBytes > fuzzLimits.maxHeadBytes + fuzzLimits.maxTrailerBytes) {
      return { rest: 0, wrong: `holds ${parser.bufferedBytes} bytes` };
    }
    from += consumed;
  }
  return { rest: input.length - from, wrong: undefined };
}

function randomCuts(input: Buffer, random: Random): readonly number[] {
  const cuts: number[] = [];
  // Mostly a few, sometimes byte by byte.
  const longest = random() < 0.05 ? 1 : Math.ceil(input.length / 2);
  for (
    let at = 1 + Math.floor(random() * longest);
    at < input.length;
    at += 1 + Math.floor(random() * longest)
  ) {
    cuts.push(at);
  }
  return cuts;
}

const noCuts: readonly number[] = [];

export class RequestFuzz {
  readonly #whole = new Reading<RequestHead>();
  readonly #cut = new Reading<RequestHead>();
  readonly #again = new Reading<RequestHead>();
  readonly #out = new ByteWriter();

  check(input: Buffer, random: Random): Finding {
    const whole = this.#read(this.#whole, input, noCuts);
    const cut = this.#read(this.#cut, input, randomCuts(input, random));
    const isAccepted = this.#whole.digest.heads > 0;
    const wrong =
      whole ?? cut ?? compareReadings(this.#whole, this.#cut, input.length) ?? this.#encodeAgain();
    return { isAccepted, wrong };
  }

  #read(reading: Reading<RequestHead>, input: Buffer, cuts: readonly number[]): string | undefined {
    reading.clear();
    const { digest } = reading;
    const parser: RequestParser = new RequestParser(
      {
        onHead(head) {
          digest.text(head.method);
          digest.text(head.target);
          digest.text(head.authority);
          digest.number((head.expectContinue ? 1 : 0) + (head.hasUpgrade ? 2 : 0));
          reading.onHead(head);
        },
        onBody: (data) => digest.body(data),
        onTrailers: (lines) => digest.bytes(lines),
        onMessageEnd() {
          reading.onEnd();
          parser.next();
        },
        onError(reason, detail) {
          digest.error = `${reason} ${detail}`;
        },
      },
      reading === this.#again ? againLimits : fuzzLimits,
    );
    const fed = feed(parser, input, cuts);
    reading.rest = fed.rest;
    return fed.wrong;
  }

  #encodeAgain(): string | undefined {
    for (const head of this.#whole.heads) {
      if (head.form === "authority") continue; // CONNECT ends at this hop
      this.#out.clear();
      encodeRequestHead(this.#out, head, undefined, {});
      const wrong = this.#read(this.#again, Buffer.from(this.#out.view()), noCuts);
      const [again] = this.#again.heads;
      if (wrong !== undefined) return wrong;
      if (again === undefined) return `encoded head is not accepted: ${this.#again.digest.error}`;
      const isSame =
        again.method === head.method &&
        again.path === head.path &&
        again.query === head.query &&
        again.authority === head.authority &&
        again.body === head.body &&
        again.contentLength === head.contentLength &&
        this.#again.digest.heads === 1;
      if (!isSame) return "encoded head means something else";
    }
    return undefined;
  }
}

export class ResponseFuzz {
  readonly #whole = new Reading<ResponseHead>();
  readonly #cut = new Reading<ResponseHead>();
  readonly #again = new Reading<ResponseHead>();
  readonly #out = new ByteWriter();

  check(input: Buffer, random: Random): Finding {
    const method = random() < 0.1 ? "HEAD" : "GET";
    const asksForUpgrade = random() < 0.1;
    const whole = this.#read(this.#whole, input, { cuts: noCuts, method, asksForUpgrade });
    const cuts = randomCuts(input, random);
    const cut = this.#read(this.#cut, input, { cuts, method, asksForUpgrade });
    const isAccepted = this.#whole.digest.heads > 0;
    const wrong =
      whole ??
      cut ??
      compareReadings(this.#whole, this.#cut, input.length) ??
      this.#encodeAgain(method, asksForUpgrade);
    return { isAccepted, wrong };
  }

  #read(
    reading: Reading<ResponseHead>,
    input: Buffer,
    options: { readonly cuts: readonly number[]; readonly method: string; readonly asksForUpgrade: boolean },
  ): string | undefined {
    reading.clear();
    const { digest } = reading;
    const onHead = (head: ResponseHead): void => {
      digest.number(head.status);
      digest.text(head.reasonPhrase);
      reading.onHead(head);
    };
    const parser: ResponseParser = new ResponseParser(
      {
        onInterim: onHead,
        onHead,
        onBody: (data) => digest.body(data),
        onTrailers: (lines) => digest.bytes(lines),
        onMessageEnd() {
          reading.onEnd();
          parser.expect(options.method, options.asksForUpgrade);
        },
        onError(reason, detail) {
          digest.error = `${reason} ${detail}`;
        },
      },
      reading === this.#again ? againLimits : fuzzLimits,
    );
    parser.expect(options.method, options.asksForUpgrade);
    const fed = feed(parser, input, options.cuts);
    parser.end();
    reading.rest = fed.rest;
    return fed.wrong;
  }

  #encodeAgain(method: string, asksForUpgrade: boolean): string | undefined {
    for (const head of this.#whole.heads) {
      this.#out.clear();
      encodeResponseHead(this.#out, head, undefined, {});
      const encoded = Buffer.from(this.#out.view());
      const wrong = this.#read(this.#again, encoded, { cuts: noCuts, method, asksForUpgrade });
      const [again] = this.#again.heads;
      if (wrong !== undefined) return wrong;
      if (again === undefined) return `encoded head is not accepted: ${this.#again.digest.error}`;
      const isSame =
        again.status === head.status &&
        again.reasonPhrase === head.reasonPhrase &&
        again.body === head.body &&
        (head.body !== "length" || again.contentLength === head.contentLength) &&
        this.#again.digest.heads === 1;
      if (!isSame) return "encoded head means something else";
    }
    return undefined;
  }
}

function compareReadings(
  whole: Reading<MessageHead>,
  cut: Reading<MessageHead>,
  inputLength: number,
): string | undefined {
  const [a, b] = [whole.digest, cut.digest];
  if (a.error !== b.error) return `"${a.error}" whole, "${b.error}" in pieces`;
  if (a.hash !== b.hash || a.heads !== b.heads || a.ends !== b.ends || a.bodyBytes !== b.bodyBytes) {
    return "another tale in pieces";
  }
  if (whole.rest !== cut.rest) return `${whole.rest} bytes left over, ${cut.rest} in pieces`;
  return a.bodyBytes > inputLength ? "more content than was given" : undefined;
}
