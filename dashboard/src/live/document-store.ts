/**
 * The documents that pages show now: each is asked for again a while after it has come, for as long as somebody shows it and the
 * page can be seen. A tab that is hidden asks for nothing; one that comes back asks for everything that is older than its time.
 */
import { type ApiFailure, failureOf } from "../api/fetch-json.ts";

export interface DocumentState {
  readonly data: unknown;
  readonly failure: ApiFailure | undefined;
  /** When the data came; 0: not yet. */
  readonly atMs: number;
}

export interface DocumentSource {
  /** Two that show the same key share one document. */
  readonly key: string;
  /** Told at each request: figures over time have a moving end. */
  readonly path: () => string;
  /** From the end of one request to the start of the next; undefined: once. */
  readonly everyMs: number | undefined;
}

export interface Environment {
  readonly fetch: (path: string, signal: AbortSignal) => Promise<unknown>;
  readonly nowMs: () => number;
  readonly setTimer: (action: () => void, afterMs: number) => number;
  readonly clearTimer: (timer: number) => void;
}

interface Entry {
  source: DocumentSource;
  state: DocumentState;
  readonly listeners: Set<() => void>;
  timer: number | undefined;
  request: AbortController | undefined;
  askedMs: number;
  failures: number;
}

/** Documents that nobody shows any more, kept so that going back shows something at once. */
const maxResting = 12;
/** Between attempts where the control plane is away. */
const maxBackoffMs = 30_000;
const nothing: DocumentState = { data: undefined, failure: undefined, atMs: 0 };

export class DocumentStore {
  readonly #environment: Environment;
  /** The least recently used first. */
  readonly #entries = new Map<string, Entry>();
  #isVisible = true;

  constructor(environment: Environment) {
    this.#environment = environment;
  }

  get size(): number {
    return this.#entries.size;
  }

  read(key: string): DocumentState {
    return this.#entries.get(key)?.state ?? nothing;
  }

  /** Returns what ends it. */
  show(source: DocumentSource, listener: () => void): () => void {
    const entry = this.#entries.get(source.key) ?? newEntry(source);
    this.#entries.delete(source.key);
    this.#entries.set(source.key, entry);
    entry.source = source;
    entry.listeners.add(listener);
    if (entry.listeners.size === 1) this.#schedule(entry, this.#dueInMs(entry));
    return () => {
      entry.listeners.delete(listener);
      if (entry.listeners.size > 0) return;
      this.#rest(entry);
      this.#forgetOldest();
    };
  }

  setVisible(isVisible: boolean): void {
    if (isVisible === this.#isVisible) return;
    this.#isVisible = isVisible;
    for (const entry of this.#entries.values()) {
      if (entry.listeners.size === 0) continue;
      if (isVisible) this.#schedule(entry, this.#dueInMs(entry));
      else this.#rest(entry);
    }
  }

  /** At once, whatever the time: somebody asked, or signed in. */
  refresh(): void {
    for (const entry of this.#entries.values()) {
      if (entry.listeners.size === 0 || entry.request !== undefined) continue;
      entry.failures = 0;
      this.#schedule(entry, 0);
    }
  }

  /** Signed out: nothing of what was shown stays. */
  clear(): void {
    for (const entry of this.#entries.values()) {
      this.#rest(entry);
      entry.state = nothing;
      entry.askedMs = Number.NEGATIVE_INFINITY;
    }
    for (const [key, { listeners }] of this.#entries) if (listeners.size === 0) this.#entries.delete(key);
  }

  #dueInMs({ source, askedMs, state }: Entry): number {
    if (state.atMs === 0) return 0;
    if (source.everyMs === undefined) return state.failure === undefined ? Number.POSITIVE_INFINITY : 0;
    return Math.max(0, askedMs + source.everyMs - this.#environment.nowMs());
  }

  #schedule(entry: Entry, afterMs: number): void {
    if (entry.timer !== undefined) this.#environment.clearTimer(entry.timer);
    entry.timer = undefined;
    if (!this.#isVisible || entry.request !== undefined || afterMs === Number.POSITIVE_INFINITY) return;
    entry.timer = this.#environment.setTimer(() => void this.#ask(entry), afterMs);
  }

  #rest(entry: Entry): void {
    if (entry.timer !== undefined) this.#environment.clearTimer(entry.timer);
    entry.timer = undefined;
    entry.request?.abort();
    entry.request = undefined;
  }

  async #ask(entry: Entry): Promise<void> {
    entry.timer = undefined;
    const request = new AbortController();
    entry.request = request;
    let next: DocumentState;
    try {
      const data = await this.#environment.fetch(entry.source.path(), request.signal);
      next = { data, failure: undefined, atMs: this.#environment.nowMs() };
      entry.failures = 0;
    } catch (cause) {
      // What was shown stays, with a word that it is old.
      next = { ...entry.state, failure: failureOf(cause) };
      entry.failures++;
    }
    if (entry.request !== request) return;
    entry.request = undefined;
    entry.askedMs = this.#environment.nowMs();
    entry.state = next;
    this.#schedule(entry, this.#pauseMs(entry));
    for (const listener of entry.listeners) listener();
  }

  #pauseMs({ source: { everyMs }, failures, state }: Entry): number {
    if (everyMs === undefined) return Number.POSITIVE_INFINITY;
    if (state.failure?.kind === "signed_out") return Number.POSITIVE_INFINITY;
    return Math.min(Math.max(everyMs, maxBackoffMs), everyMs * 2 ** Math.min(failures, 4));
  }

  #forgetOldest(): void {
    const resting = [...this.#entries].filter(([, { listeners }]) => listeners.size === 0);
    for (const [key] of resting.slice(0, Math.max(0, resting.length - maxResting))) this.#entries.delete(key);
  }
}

function newEntry(source: DocumentSource): Entry {
  return {
    source,
    state: nothing,
    listeners: new Set(),
    timer: undefined,
    request: undefined,
    askedMs: Number.NEGATIVE_INFINITY,
    failures: 0,
  };
}
