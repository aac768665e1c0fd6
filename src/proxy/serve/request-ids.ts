/** Request ids that are unique enough to find a log line by and cost no system call: a random start, then a counter. */

export class RequestIds {
  readonly #prefix: string;
  #next = 0;

  constructor(random: () => number) {
    let prefix = "";
    while (prefix.length < 12)
      prefix += Math.floor(random() * 36 ** 4)
        .toString(36)
        .padStart(4, "0");
    this.#prefix = prefix;
  }

  next(): string {
    return `${this.#prefix}-${(this.#next++).toString(36)}`;
  }
}
