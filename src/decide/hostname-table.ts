/**
 * Finds the most specific of the hostnames that mean a name: an exact one before a wildcard, the longer wildcard before
 * the shorter, `*` last. A wildcard stands for any number of labels, at least one. Where two claim one hostname, the
 * first keeps it.
 */
export class HostnameTable<T> {
  readonly #exact = new Map<string, T>();
  /** By the text behind the star: ".example.com". */
  readonly #wildcards = new Map<string, T>();
  #any: T | undefined;

  /** `hostname` is "*" or empty for every name, "*.example.com", or an exact name; in any case. */
  add(hostname: string, value: T): void {
    const name = hostname.toLowerCase();
    if (name === "*" || name === "") this.#any ??= value;
    else if (name.startsWith("*.")) addFirst(this.#wildcards, name.slice(1), value);
    else addFirst(this.#exact, name, value);
  }

  /** `name` in lower case without a final dot. */
  select(name: string): T | undefined {
    const exact = this.#exact.get(name);
    if (exact !== undefined) return exact;
    if (this.#wildcards.size > 0) {
      // From the left, so that the longest suffix is tried first. At least one character stands for the star.
      for (let dot = name.indexOf(".", 1); dot >= 0; dot = name.indexOf(".", dot + 1)) {
        const wildcard = this.#wildcards.get(name.slice(dot));
        if (wildcard !== undefined) return wildcard;
      }
    }
    return this.#any;
  }

  /** What holds where there is no name. */
  get unnamed(): T | undefined {
    return this.#any;
  }
}

function addFirst<T>(map: Map<string, T>, key: string, value: T): void {
  if (!map.has(key)) map.set(key, value);
}
