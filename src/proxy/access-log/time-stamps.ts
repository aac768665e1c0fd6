/** Moments as ISO 8601 in UTC with milliseconds. The part up to the second is kept: the next line is mostly of the same one. */

export class TimeStamps {
  #second = Number.NaN;
  #upToSecond = "";

  /** Unix time; a fraction of a millisecond is cut off. */
  format(timeMs: number): string {
    const second = Math.floor(timeMs / 1_000);
    if (second !== this.#second) {
      this.#second = second;
      this.#upToSecond = new Date(second * 1_000).toISOString().slice(0, -4);
    }
    const rest = Math.floor(timeMs) - second * 1_000;
    return `${this.#upToSecond}${rest < 10 ? "00" : rest < 100 ? "0" : ""}${rest}Z`;
  }
}
