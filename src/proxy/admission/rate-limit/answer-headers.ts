/**
 * What a client is told of the limit that has the least left: `RateLimit-Policy` and `RateLimit` as
 * draft-ietf-httpapi-ratelimit-headers-10 has them (structured fields, one item each), and `Retry-After`.
 */
import type { TokenRate } from "../../../decide/admission/index.ts";
import { type HeaderLine, TextLine, WrittenLine } from "../../../http1/index.ts";
import type { ByteWriter } from "../../../kernel/index.ts";
import type { FilteredExchange } from "../filter.ts";
import type { Quota } from "./quota.ts";

const usPerSecond = 1_000_000;
/** A limit that never has room again has no time to tell: a day, so that nobody comes back at once. */
const foreverSeconds = 86_400;

/** `name` is the limit's name within its policy. */
export class AnswerHeaders {
  readonly #item: string;
  /** A limit has a rate, and one for each override. */
  readonly #policies = new WeakMap<TokenRate, HeaderLine>();
  /** Of the newest request: most limits have one rate. */
  #last: { readonly rate: TokenRate; readonly line: HeaderLine } | undefined = undefined;

  constructor(name: string) {
    this.#item = quoted(name === "" ? "default" : name);
  }

  tell(exchange: Pick<FilteredExchange, "addAnswerLine">, quota: Quota, nowUs: number): void {
    const { rate } = quota;
    if (this.#last?.rate !== rate) this.#last = { rate, line: this.#policy(rate) };
    exchange.addAnswerLine(this.#last.line);
    exchange.addAnswerLine(
      new StateLine(this.#item, quota.remaining(nowUs), wholeSeconds(quota.fullUs(nowUs))),
    );
  }

  /** `q` requests in each window of `w` seconds. */
  #policy(rate: TokenRate): HeaderLine {
    const known = this.#policies.get(rate);
    if (known !== undefined) return known;
    const { requests, periodMs } = rate;
    const seconds = Math.max(1, Math.round(periodMs / 1_000));
    const quota = Math.floor((requests * seconds * 1_000) / periodMs);
    const line = encoded(new TextLine("ratelimit-policy", `${this.#item};q=${quota};w=${seconds}`));
    this.#policies.set(rate, line);
    return line;
  }
}

/** `r` requests are left; in `t` seconds, without any more, all are there again. The text is made where it is sent. */
class StateLine extends WrittenLine {
  readonly #item: string;
  readonly #left: number;
  readonly #seconds: number;

  constructor(item: string, left: number, seconds: number) {
    super("ratelimit");
    this.#item = item;
    this.#left = left;
    this.#seconds = seconds;
  }

  get value(): string {
    return `${this.#item};r=${this.#left};t=${this.#seconds}`;
  }

  protected writeValue(out: ByteWriter): void {
    out.latin1(this.#item);
    out.latin1(";r=");
    out.decimal(this.#left);
    out.latin1(";t=");
    out.decimal(this.#seconds);
  }
}

/** Not before that many whole seconds is there room again. At least 1: a client that comes at once is refused again. */
export function retryAfter(waitUs: number): HeaderLine {
  return new TextLine("retry-after", String(Math.max(1, wholeSeconds(waitUs))));
}

function wholeSeconds(us: number): number {
  return Math.min(foreverSeconds, Math.ceil(us / usPerSecond));
}

/** Of a line that is sent many times. */
function encoded({ nameLower, value, bytes }: HeaderLine): HeaderLine {
  return { nameLower, value, bytes };
}

/** A string of RFC 9651, section 3.3.3. */
function quoted(text: string): string {
  return `"${text.replaceAll(/[^\x20-\x7e]/g, "?").replaceAll(/["\\]/g, "\\$&")}"`;
}
