/**
 * Who watches a store, and how far each has read. Events are delivered in a microtask after the write, so that a
 * listener may write again; every listener gets all that is new to it in one call.
 */
import { errorLine, type Log } from "../kernel/index.ts";
import type { WatchEvent } from "./store.ts";

/** Events kept at hand for listeners that are up to date; others are served from the store. */
const maxRecentEvents = 1024;

interface Watcher {
  position: number;
  readonly listener: (events: readonly WatchEvent[]) => void;
}

export class Watchers {
  readonly #watchers = new Set<Watcher>();
  readonly #readAfter: (sequence: number) => readonly WatchEvent[];
  readonly #log: Log;
  #recent: WatchEvent[] = [];
  #newest: number;
  #isScheduled = false;

  constructor(options: {
    sequence: number;
    readAfter: (sequence: number) => readonly WatchEvent[];
    log: Log;
  }) {
    this.#newest = options.sequence;
    this.#readAfter = options.readAfter;
    this.#log = options.log;
  }

  add(position: number, listener: (events: readonly WatchEvent[]) => void): () => void {
    const watcher: Watcher = { position, listener };
    this.#watchers.add(watcher);
    if (position < this.#newest) this.#schedule();
    return () => void this.#watchers.delete(watcher);
  }

  publish(events: readonly WatchEvent[]): void {
    this.#newest = events.at(-1)?.sequence ?? this.#newest;
    this.#recent.push(...events);
    if (this.#recent.length > maxRecentEvents) this.#recent = this.#recent.slice(-maxRecentEvents);
    this.#schedule();
  }

  /** What lies between is lost: everybody gets `events` in its place, and goes on after `sequence`. */
  jump(events: readonly WatchEvent[], sequence: number): void {
    this.#newest = sequence;
    this.#recent = [];
    for (const watcher of [...this.#watchers]) {
      if (watcher.position >= sequence) continue;
      watcher.position = sequence;
      this.#tell(watcher, events);
    }
  }

  clear(): void {
    this.#watchers.clear();
  }

  #schedule(): void {
    if (this.#isScheduled || this.#watchers.size === 0) return;
    this.#isScheduled = true;
    queueMicrotask(() => {
      this.#isScheduled = false;
      for (const watcher of [...this.#watchers]) this.#deliver(watcher);
    });
  }

  #deliver(watcher: Watcher): void {
    // A listener that ran before this one may have ended it.
    if (!this.#watchers.has(watcher) || watcher.position >= this.#newest) return;
    this.#tell(watcher, () => {
      const events = this.#after(watcher.position);
      watcher.position = events.at(-1)?.sequence ?? watcher.position;
      return events;
    });
  }

  #tell(watcher: Watcher, of: readonly WatchEvent[] | (() => readonly WatchEvent[])): void {
    try {
      const events = typeof of === "function" ? of() : of;
      if (events.length > 0) watcher.listener(events);
    } catch (error) {
      this.#log.error("a watcher of the store failed", { error: errorLine(error) });
    }
  }

  #after(position: number): readonly WatchEvent[] {
    const first = this.#recent[0]?.sequence;
    if (first === undefined || position + 1 < first) return this.#readAfter(position);
    return this.#recent.slice(position + 1 - first);
  }
}
