/** The one right outcome of a vector, as a proxy has to show it. */

export interface Expectation {
  /** Not for a proxy to show: why. */
  readonly skip: string | undefined;
  /** The requests of which the upstream must see every byte, and no other: `METHOD target "content"`. */
  readonly seen: readonly string[];
  /** What the client gets, interim responses left out: `status` or `status "content"`, with ` cut` where it must not be complete. */
  readonly answers: readonly string[];
  readonly interims: readonly string[];
  /** Afterwards; undefined: no matter. */
  readonly connection: "open" | "closed" | undefined;
  /** Something is wrong with the message: the last answer is a refusal, or none comes. */
  readonly isRefused: boolean;
  /** Lines of the head that the next hop must, and names that it must not see; in lower case. */
  readonly has: readonly string[];
  readonly lacks: readonly string[];
  /** Responses: a request whose content is held back until the answer is there, then sent. */
  readonly early?: { readonly head: string; readonly content: string };
}
