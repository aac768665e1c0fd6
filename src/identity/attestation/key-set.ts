/** The keys of a cluster's token issuer (RFC 7517), from a file or by URL: read again when they are old or a key is missing, kept over outages. */
import { readFile } from "node:fs/promises";
import { type JSONWebKeySet } from "jose";
import { boundedText, type Clock, errorLine, WeftError } from "../../kernel/index.ts";

const maxAgeMs = 300_000;
/** Tokens with keys that nobody knows must not make us ask at their pace. */
const minAgeMs = 30_000;
const fetchTimeoutMs = 5_000;
const maxBytes = 256 * 1024;

export class KeySet {
  readonly #place: string;
  readonly #clock: Clock;
  #keys: JSONWebKeySet | undefined;
  #askedMs = Number.NEGATIVE_INFINITY;
  #asking: Promise<void> | undefined;
  #error = "";

  /** `place`: a path, or an https or http URL. */
  constructor(place: string, clock: Clock) {
    this.#place = place;
    this.#clock = clock;
  }

  /** `isMissing`: a key is not among those that it gave before. Rejects with `unavailable` where there never were any. */
  async get(isMissing: boolean): Promise<JSONWebKeySet> {
    const ageMs = this.#clock.nowMs() - this.#askedMs;
    // A clock that went back must not keep old keys for as long as it went.
    if (ageMs < 0 || ageMs >= (isMissing || this.#keys === undefined ? minAgeMs : maxAgeMs)) {
      this.#asking ??= this.#ask().finally(() => {
        this.#asking = undefined;
      });
    }
    await this.#asking;
    if (this.#keys !== undefined) return this.#keys;
    throw new WeftError("unavailable", `the issuer's keys cannot be had from ${this.#place}: ${this.#error}`);
  }

  async #ask(): Promise<void> {
    this.#askedMs = this.#clock.nowMs();
    try {
      const parsed: unknown = JSON.parse(await this.#read());
      if (!isKeySet(parsed)) throw new WeftError("bad_input", "it is no JWK Set");
      this.#keys = parsed;
    } catch (error) {
      this.#error = errorLine(error);
    }
  }

  async #read(): Promise<string> {
    if (!/^https?:/.test(this.#place)) return readFile(this.#place, "utf8");
    const response = await fetch(this.#place, {
      signal: AbortSignal.timeout(fetchTimeoutMs),
      redirect: "error",
    });
    if (!response.ok) throw new WeftError("unavailable", `it answers ${response.status}`);
    const text = await boundedText(response.body, maxBytes);
    if (text === undefined) throw new WeftError("bad_input", `it is larger than ${maxBytes} bytes`);
    return text;
  }
}

function isKeySet(value: unknown): value is JSONWebKeySet {
  return typeof value === "object" && value !== null && "keys" in value && Array.isArray(value.keys);
}
