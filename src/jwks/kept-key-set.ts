/**
 * One issuer's key set over time.
 *
 *   start --on disk--> in force --answer--> in force, refreshed --no answer--> in force, aging --keptForMs--> none
 *   start --nothing--> none --answer--> in force
 *
 * While there is no good answer it is asked again after a wait that grows.
 */
import type { Clock, Log, Timer } from "../kernel/index.ts";
import type { Fetched, FetchKeySet, FetchResult } from "./fetch-key-set.ts";
import type { KeptKeySet, KeySetFiles } from "./key-set-files.ts";

export const refreshMs = { default: 600_000, min: 60_000, max: 3_600_000 } as const;
export const retryMs = { min: 2_000, max: 300_000 } as const;
/** How long keys stay in force that the issuer cannot be asked about: a weekend's outage should not be one of its users. */
export const keptForMs = 24 * 3_600_000;
/** Shares of that time at which the log says louder what will happen. */
const alarms = [0.25, 0.5, 0.75, 0.9] as const;

export interface KeySetSurroundings {
  readonly clock: Clock;
  readonly log: Log;
  /** In [0, 1). */
  readonly random: () => number;
  readonly files: KeySetFiles | undefined;
  readonly fetch: FetchKeySet;
  /** Runs it when there is room; not at all where it is taken back before. */
  readonly enqueue: (work: () => Promise<void>) => void;
  readonly onFetched: (result: FetchResult) => void;
  /** `document`: what may be used; `error`: why the last attempt brought nothing. */
  readonly onKeySet: (uri: string, document: string | undefined, error: string | undefined) => void;
}

export class KeySet {
  readonly uri: string;
  readonly #around: KeySetSurroundings;
  readonly #abort = new AbortController();
  #kept: KeptKeySet | undefined;
  #error: string | undefined;
  #failures = 0;
  #alarmed = 0;
  #next: Timer | undefined;
  #alarm: Timer | undefined;

  constructor(uri: string, around: KeySetSurroundings) {
    this.uri = uri;
    this.#around = around;
  }

  start(): void {
    const { files, onKeySet } = this.#around;
    const kept = files?.read(this.uri);
    const nowMs = this.#around.clock.nowMs();
    if (kept !== undefined && nowMs - kept.fetchedAtMs < keptForMs) {
      // A clock that went back makes nothing younger than it can be.
      this.#kept = { ...kept, fetchedAtMs: Math.min(kept.fetchedAtMs, nowMs) };
      onKeySet(this.uri, kept.document, undefined);
      this.#watchAge();
    }
    this.#ask();
  }

  close(): void {
    this.#next?.cancel();
    this.#alarm?.cancel();
    this.#abort.abort();
  }

  /** Since the issuer last said that the keys are current; undefined: there are none. */
  get ageMs(): number | undefined {
    return this.#kept && this.#around.clock.nowMs() - this.#kept.fetchedAtMs;
  }

  #ask(): void {
    const { signal } = this.#abort;
    this.#around.enqueue(async () => {
      if (signal.aborted) return;
      const fetched = await this.#around.fetch(this.uri, this.#kept?.etag, signal);
      if (!signal.aborted) this.#take(fetched);
    });
  }

  #take(fetched: Fetched): void {
    this.#around.onFetched(fetched.result);
    if ("error" in fetched) {
      this.#fail(fetched.error);
    } else if (fetched.result === "fetched") {
      this.#succeed(fetched.document, fetched.etag, fetched.freshForMs);
    } else if (this.#kept === undefined) {
      this.#fail("it says that nothing has changed, but nothing was there");
    } else {
      this.#succeed(this.#kept.document, this.#kept.etag, fetched.freshForMs);
    }
  }

  #succeed(document: string, etag: string | undefined, freshForMs: number | undefined): void {
    const { clock, log, files, onKeySet } = this.#around;
    const isNew = document !== this.#kept?.document;
    const wasFailing = this.#error !== undefined;
    this.#kept = { document, etag, fetchedAtMs: clock.nowMs() };
    this.#error = undefined;
    this.#failures = 0;
    this.#alarmed = 0;
    files?.write(this.uri, this.#kept);
    if (wasFailing) log.info("an issuer's keys can be fetched again", { uri: this.uri });
    if (isNew) log.info("an issuer has new keys", { uri: this.uri });
    if (isNew || wasFailing) onKeySet(this.uri, document, undefined);
    this.#watchAge();
    const wanted = freshForMs ?? refreshMs.default;
    // Bounded first: who says "for a year" or "not at all" is asked in an hour or a minute. Never later than that.
    const bounded = Math.min(refreshMs.max, Math.max(refreshMs.min, wanted));
    this.#askAfter(Math.max(refreshMs.min, bounded * (1 - 0.1 * this.#around.random())));
  }

  #fail(error: string): void {
    const { log, onKeySet } = this.#around;
    if (error !== this.#error) {
      const inForce =
        this.#kept === undefined ? "none: every token of the issuer is refused" : this.#untilText();
      log.warn("an issuer's keys cannot be fetched", { uri: this.uri, error, inForce });
      this.#error = error;
      onKeySet(this.uri, this.#kept?.document, error);
    }
    const fullMs = Math.min(retryMs.max, retryMs.min * 2 ** Math.min(this.#failures++, 30));
    this.#askAfter(fullMs / 2 + (this.#around.random() * fullMs) / 2);
  }

  #askAfter(delayMs: number): void {
    this.#next?.cancel();
    this.#next = this.#around.clock.after(delayMs, () => this.#ask());
  }

  /** To the next alarm, and in the end to the keys' own end. */
  #watchAge(): void {
    this.#alarm?.cancel();
    const share = alarms[this.#alarmed] ?? 1;
    const dueMs = share * keptForMs - (this.ageMs ?? 0);
    this.#alarm = this.#around.clock.after(Math.max(0, dueMs), () => {
      if (share === 1) this.#expire();
      else this.#raise();
    });
  }

  #raise(): void {
    const { log } = this.#around;
    this.#alarmed++;
    if (this.#error !== undefined) {
      const { uri } = this;
      log.error("an issuer's keys are getting old", { uri, error: this.#error, inForce: this.#untilText() });
    }
    this.#watchAge();
  }

  #expire(): void {
    const { log, files, onKeySet } = this.#around;
    this.#kept = undefined;
    files?.remove(this.uri);
    const error = this.#error ?? "no answer";
    log.error("an issuer's keys are too old and not used any more: every token of it is refused", {
      uri: this.uri,
      error,
    });
    onKeySet(this.uri, undefined, error);
  }

  #untilText(): string {
    const untilMs = (this.#kept?.fetchedAtMs ?? 0) + keptForMs;
    return `the last ones until ${new Date(untilMs).toISOString()}`;
  }
}
