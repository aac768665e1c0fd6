/** One line of `weft check`. */

export interface Finding {
  readonly level: "ok" | "note" | "bad";
  readonly message: string;
  /** What to do; absent or empty: nothing is known to be done. */
  readonly fix?: string;
}
