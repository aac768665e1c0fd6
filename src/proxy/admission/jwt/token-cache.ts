/**
 * Tokens that were verified, so that the next request with one of them costs a look-up; and digests of those that were forged, so
 * that who sends one again does not buy a verification each time. Both are bounded, whatever is sent.
 */
import { createHash } from "node:crypto";
import type { Claims } from "../../../decide/index.ts";
import type { HeaderLine } from "../../../http1/index.ts";
import type { Validity } from "./check-claims.ts";

export interface VerifiedToken {
  readonly validity: Validity;
  readonly claims: Claims;
  /** For the application, from the claims. */
  readonly fields: readonly HeaderLine[];
}

/** Of one provider of one proxy. Callers of one gateway in five minutes are mostly fewer. */
export const maxVerified = 4_096;
/** Texts of tokens; what was made of them is about twice as much again. */
const maxVerifiedCharacters = 4 * 1024 * 1024;
export const maxForged = 1_024;
/** A forged token stays forged; the bound is for the memory. */
export const forgedForMs = 10_000;
const digestBytes = 16;
/** 192 bits of a signature. */
const keyLength = 32;

interface Entry extends VerifiedToken {
  readonly token: string;
  /** Asked for since it was last looked at by who makes room. */
  isUsed: boolean;
}

export class TokenCache {
  /** By the end of the text, which is the signature's: a hash of all of it would cost more than all the rest. */
  readonly #verified = new Map<string, Entry>();
  readonly #forged = new Map<string, number>();
  #characters = 0;

  get size(): number {
    return this.#verified.size;
  }

  /** The token is `text` from `start` on, of which no text of its own is made. Whether it still holds is for the caller to see. */
  get(text: string, start = 0): VerifiedToken | undefined {
    const length = text.length - start;
    const entry = this.#verified.get(text.slice(length < keyLength ? start : -keyLength));
    if (entry === undefined || entry.token.length !== length || !text.endsWith(entry.token)) return undefined;
    entry.isUsed = true;
    return entry;
  }

  /** Of two with one end, which nobody makes by accident, the newer one is kept. */
  add(token: string, verified: VerifiedToken): void {
    this.#drop(token.slice(-keyLength));
    this.#verified.set(token.slice(-keyLength), { ...verified, token, isUsed: false });
    this.#characters += token.length;
    this.#makeRoom();
  }

  delete(token: string): void {
    const key = token.slice(-keyLength);
    if (this.#verified.get(key)?.token === token) this.#drop(key);
  }

  #drop(key: string): void {
    this.#characters -= this.#verified.get(key)?.token.length ?? 0;
    this.#verified.delete(key);
  }

  isForged(token: string, nowMs: number): boolean {
    if (this.#forged.size === 0) return false;
    const untilMs = this.#forged.get(digest(token));
    return untilMs !== undefined && nowMs < untilMs;
  }

  addForged(token: string, nowMs: number): void {
    const key = digest(token);
    // Behind the others, so that the first one is always the oldest.
    this.#forged.delete(key);
    this.#forged.set(key, nowMs + forgedForMs);
    if (this.#forged.size <= maxForged) return;
    const [oldest] = this.#forged.keys();
    if (oldest !== undefined) this.#forged.delete(oldest);
  }

  /** Second chance: the oldest that nobody asked for since goes; nothing moves when a token is found. */
  #makeRoom(): void {
    while (this.#verified.size > maxVerified || this.#characters > maxVerifiedCharacters) {
      const [oldest] = this.#verified;
      if (oldest === undefined) return;
      const [key, entry] = oldest;
      this.#verified.delete(key);
      if (entry.isUsed) this.#verified.set(key, { ...entry, isUsed: false });
      else this.#characters -= entry.token.length;
    }
  }
}

/** Half of SHA-256: who finds two tokens with one digest has both refused. */
function digest(token: string): string {
  return createHash("sha256").update(token).digest().toString("latin1", 0, digestBytes);
}
