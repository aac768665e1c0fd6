/** The beginnings of both bodies of an exchange, kept while it runs because somebody asked for them. */

export interface BodyCapture {
  /** What the client sent. The bytes are copied as far as they are wanted. */
  onRequest(chunk: Uint8Array): void;
  /** What the client gets. */
  onResponse(chunk: Uint8Array): void;
}

/** Asked for each exchange that begins. */
export interface BodyCaptures {
  /** Undefined: there is no room for another. */
  begin(): BodyCapture | undefined;
}
