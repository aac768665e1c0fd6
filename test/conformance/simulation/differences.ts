/** Where what came of a request is not what the oracle foretold, as lines for people. */
import type { Fields } from "./rewriting-by-the-text.ts";

/** Those that filters and requests of the generator name. */
export const requestNames = ["x-a", "x-b", "x-c", "x-d"] as const;

export class Differences {
  readonly lines: string[] = [];

  compare(what: string, found: unknown, foretold: unknown): void {
    if (Bun.deepEquals(found, foretold)) return;
    this.lines.push(`${what}: ${JSON.stringify(found)}, foretold ${JSON.stringify(foretold)}`);
  }

  /** Values of the names that matter, joined as one field. */
  compareFields(
    what: string,
    found: (name: string) => string | undefined,
    foretold: Fields,
    names: readonly string[],
  ): void {
    for (const name of names) this.compare(`${what} ${name}`, found(name), foretold.get(name)?.join(", "));
  }
}
