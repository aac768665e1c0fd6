/** One line of `weft check`. */

export interface Finding {
  readonly level: "ok" | "note" | "bad";
  readonly message: string;
}
