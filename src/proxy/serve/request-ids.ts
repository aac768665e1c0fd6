/** Request ids that are unique enough to find a log line by and cost no system call: a random start, then a counter. */

/** A caller's own id is kept up to this length; UUIDs have 36. It is repeated in logs and answers. */
const maxLength = 128;

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

  /** The caller's own, where it has a usable one. */
  keep(given: string | undefined): string {
    return given === undefined || given === "" || given.length > maxLength ? this.next() : given;
  }

  next(): string {
    return `${this.#prefix}-${(this.#next++).toString(36)}`;
  }
}
