/** Key sets of issuers (RFC 7517), which somebody with sockets fetches. */

/** What is known of the set behind one address. */
export interface KeySetInput {
  /** The newest that may be used, as JSON; undefined: none, so every token of the issuer is refused. */
  readonly document: string | undefined;
  /** Why the last attempt brought nothing; undefined: it did. */
  readonly error: string | undefined;
}

export interface KeySetChange extends KeySetInput {
  readonly uri: string;
}
