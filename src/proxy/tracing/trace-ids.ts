/**
 * Ids of traces and spans: random digits that are made many at a time, so that an id is a piece of a text that is there
 * already (25 ns; one at a time it is ten times as much).
 */

/** Makes 32 new ids of spans. What is under way keeps the text that its ids are pieces of, so it is a short one. */
const poolBytes = 256;
const traceDigits = 32;
const spanDigits = 16;

export class TraceIds {
  #digits = "";
  #at = 0;

  /** 32 hexadecimal digits. */
  trace(): string {
    return this.#take(traceDigits);
  }

  /** 16 hexadecimal digits. */
  span(): string {
    return this.#take(spanDigits);
  }

  #take(count: number): string {
    if (this.#at + count > this.#digits.length) {
      this.#digits = Buffer.from(crypto.getRandomValues(new Uint8Array(poolBytes))).toString("hex");
      this.#at = 0;
    }
    const start = this.#at;
    this.#at += count;
    return this.#digits.slice(start, this.#at);
  }
}
