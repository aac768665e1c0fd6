/** Moments as ISO 8601 in UTC with milliseconds. The newest is kept, and its part up to the second: the next line is mostly of the same one. */

export class TimeStamps {
  #millisecond = Number.NaN;
  #text = "";
  #second = Number.NaN;
  #upToSecond = "";

  /** Unix time; a fraction of a millisecond is cut off. */
  format(timeMs: number): string {
    const millisecond = Math.floor(timeMs);
    if (millisecond === this.#millisecond) return this.#text;
    const second = Math.floor(timeMs / 1_000);
    if (second !== this.#second) {
      this.#second = second;
      this.#upToSecond = new Date(second * 1_000).toISOString().slice(0, -4);
    }
    const rest = millisecond - second * 1_000;
    this.#millisecond = millisecond;
    this.#text = `${this.#upToSecond}${rest < 10 ? "00" : rest < 100 ? "0" : ""}${rest}Z`;
    return this.#text;
  }
}
