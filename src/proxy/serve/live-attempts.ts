/** The tries of one request that are under way: one, or with hedging a few, which all get the same body. */
import type { Trailers } from "../http/index.ts";
import type { Attempt } from "./attempt.ts";

export class LiveAttempts {
  #current: Attempt | undefined = undefined;
  /** Alive beside the current one. */
  #extra: Attempt[] | undefined = undefined;

  get isEmpty(): boolean {
    return this.#current === undefined;
  }

  get hasExtra(): boolean {
    return this.#extra !== undefined;
  }

  /** Somebody takes bytes. */
  get isOpen(): boolean {
    if (this.#current?.upstream !== undefined) return true;
    return this.#extra?.some(hasUpstream) === true;
  }

  add(attempt: Attempt): void {
    if (this.#current === undefined) this.#current = attempt;
    else (this.#extra ??= []).push(attempt);
  }

  /** It is over. Another that is alive takes its place. */
  drop(attempt: Attempt): void {
    const extra = this.#extra;
    if (this.#current === attempt) {
      this.#current = extra?.shift();
    } else if (extra !== undefined) {
      const index = extra.indexOf(attempt);
      if (index >= 0) extra.splice(index, 1);
    }
    if (extra?.length === 0) this.#extra = undefined;
  }

  /** All others go. */
  keep(kept: Attempt | undefined): void {
    const alive = [this.#current, ...(this.#extra ?? [])];
    this.#current = kept;
    this.#extra = undefined;
    for (const attempt of alive) if (attempt !== kept) attempt?.abandon();
  }

  /** One that takes bytes; the current one first. */
  keepOpen(): void {
    this.keep(this.#current?.upstream ? this.#current : this.#extra?.find(hasUpstream));
  }

  abandon(): void {
    const extra = this.#extra;
    this.#extra = undefined;
    if (extra !== undefined) for (const attempt of extra) attempt.abandon();
    const current = this.#current;
    this.#current = undefined;
    current?.abandon();
  }

  /** The exchange, or the tunnel that it became, has ended properly. */
  close(): void {
    this.#current?.close();
    this.#current = undefined;
  }

  recordSilence(): void {
    this.#current?.recordSilence();
    if (this.#extra !== undefined) for (const attempt of this.#extra) attempt.recordSilence();
  }

  /** False: all took it, but stop. */
  writeBody(chunk: Uint8Array): boolean {
    let hasRoom = this.#current?.upstream?.writeBody(chunk) ?? true;
    if (this.#extra === undefined) return hasRoom;
    for (const attempt of this.#extra) hasRoom = (attempt.upstream?.writeBody(chunk) ?? true) && hasRoom;
    return hasRoom;
  }

  writeEnd(trailers: Trailers | undefined): void {
    this.#current?.upstream?.writeEnd(trailers);
    if (this.#extra !== undefined) for (const attempt of this.#extra) attempt.upstream?.writeEnd(trailers);
  }
}

function hasUpstream(attempt: Attempt): boolean {
  return attempt.upstream !== undefined;
}
