/**
 * What a store over etcd has in memory: all objects at one sequence, the newest writes, and how they follow what is written by
 * whomever. One watch feeds it; where that has a gap, what the head has and memory has not is read.
 */
import { keyOf, keyText } from "../../api/index.ts";
import type { Clock, Log } from "../../kernel/index.ts";
import { type Event, Event_EventType } from "../../wire/etcd/index.ts";
import { ObjectIndex } from "../object-index.ts";
import type { Plan } from "../plan-writes.ts";
import type { WatchEvent } from "../store.ts";
import { Watchers } from "../watchers.ts";
import { decodeEntry, eventsOf, unreadable } from "./entry.ts";
import { EventWindow } from "./event-window.ts";
import { EtcdHistory } from "./history.ts";
import {
  decodeHead,
  type Entry,
  type Head,
  type HeadAt,
  readData,
  readEntries,
  readEntry,
  readHead,
  type StoreParts,
} from "./reader.ts";
import { textOf } from "./scan.ts";
import { WatchLoop } from "./watch-loop.ts";

export interface FollowingParts extends StoreParts {
  readonly clock: Clock;
  readonly log: Log;
}

export interface Retained {
  readonly events: number;
  readonly revisions: number;
}

export class Following {
  readonly history: EtcdHistory;
  readonly #parts: FollowingParts;
  readonly #window: EventWindow;
  readonly #watchers: Watchers;
  #index = new ObjectIndex();
  #head: Head;
  #headModRevision: bigint;
  #contactUs: number;
  #watch: WatchLoop | undefined;
  /** The entry that a head is about to name. */
  #announced: { readonly key: string; readonly value: Uint8Array } | undefined;
  #catchingUp: Promise<void> | undefined;

  constructor(parts: FollowingParts, retained: Retained, at: HeadAt) {
    this.#parts = parts;
    this.#head = { ...at.head, ...at.head.folded };
    this.#headModRevision = at.modRevision;
    this.#contactUs = parts.clock.monotonicUs();
    this.#window = new EventWindow(retained.events, at.head.folded.sequence);
    this.#watchers = new Watchers({
      sequence: at.head.folded.sequence,
      readAfter: (sequence) => this.#window.after(sequence),
      log: parts.log,
    });
    this.history = new EtcdHistory(parts, retained.revisions);
  }

  get index(): ObjectIndex {
    return this.#index;
  }

  get head(): Head {
    return this.#head;
  }

  /** Of etcd, when the head was written. */
  get headModRevision(): bigint {
    return this.#headModRevision;
  }

  get sequence(): number {
    return this.#head.sequence;
  }

  /** Clock time in microseconds at which etcd last answered. */
  get contactUs(): number {
    return this.#contactUs;
  }

  get isFollowing(): boolean {
    return this.#watch?.isFollowing ?? false;
  }

  watch(fromSequence: number, listener: (events: readonly WatchEvent[]) => void): (() => void) | "gone" {
    if (fromSequence < this.sequence && !this.#window.reaches(fromSequence)) return "gone";
    return this.#watchers.add(fromSequence, listener);
  }

  close(): void {
    this.#watch?.close();
    this.#watchers.clear();
  }

  /** etcd has just answered. */
  noteContact(): void {
    this.#contactUs = this.#parts.clock.monotonicUs();
  }

  /** What is there at `at`, for the first time or after too long away. */
  async load(at: HeadAt): Promise<void> {
    const index = new ObjectIndex();
    for await (const object of readData(this.#parts, at.etcdRevision)) index.put(keyOf(object), object);
    const before = this.#index;
    this.#index = index;
    if (this.#watch !== undefined) this.#jump(before, at.head.folded);
    await this.#readOn(at.head.folded, at);
  }

  follow(from: bigint): void {
    const { client, layout } = this.#parts;
    this.#watch = new WatchLoop({
      client,
      ...layout.watched,
      from,
      onEvents: (events) => this.#take(events),
      onGap: () => this.bridge(),
    });
  }

  /** Reads what the head has and memory has not. One at a time. Returns etcd's revision after it. */
  async bridge(): Promise<bigint> {
    let revision = 0n;
    const before = this.#catchingUp;
    const run = (async () => {
      // What ran before began before we were asked: it may not know of what we want to know.
      await before?.catch(() => {});
      const at = await readHead(this.#parts);
      this.noteContact();
      revision = at.etcdRevision + 1n;
      if (at.head.sequence <= this.sequence) this.#sawHead(at.head, at.modRevision);
      else if (this.sequence < at.head.folded.sequence) await this.load(at);
      else await this.#readOn(this.#head, at);
    })();
    this.#catchingUp = run;
    try {
      await run;
    } finally {
      if (this.#catchingUp === run) this.#catchingUp = undefined;
    }
    return revision;
  }

  async #readOn(from: { readonly sequence: number; readonly revision: number }, at: HeadAt): Promise<void> {
    for await (const entry of readEntries(this.#parts, from, at.etcdRevision)) this.#apply(entry);
    if (this.sequence < at.head.sequence)
      throw unreadable(`no write after ${this.sequence}, though the head names one,`);
    this.#sawHead(at.head, at.modRevision);
  }

  async #take(events: readonly Event[]): Promise<void> {
    for (const { type, kv } of events) {
      if (type !== Event_EventType.PUT || kv === undefined) continue;
      const key = textOf(kv.key);
      if (key !== this.#parts.layout.head) {
        this.#announced = { key, value: kv.value };
        continue;
      }
      const head = decodeHead(kv.value);
      if (head.sequence > this.sequence) await this.#takeAnnounced(head);
      this.#sawHead(head, kv.modRevision);
      this.#announced = undefined;
    }
  }

  async #takeAnnounced(head: Head): Promise<void> {
    const announced = this.#announced;
    const entry = announced === undefined ? undefined : decodeEntry(announced.value).head;
    if (announced === undefined || entry?.sequence !== head.sequence || entry.base !== this.sequence) {
      await this.bridge();
      return;
    }
    this.#apply(await readEntry(this.#parts, announced.key, announced.value));
  }

  /** Undone where it is known already: it may come by the watch and by a read. */
  #apply({ head, changes }: Entry): void {
    if (head.base !== this.sequence) {
      if (head.sequence <= this.sequence) return;
      throw unreadable(`a write after ${head.base}, but none before it,`);
    }
    const events = eventsOf(head, changes);
    this.#head = { ...this.#head, sequence: head.sequence, revision: head.revision };
    if (head.isCommit)
      this.history.note(
        head.revision,
        events.map((event) => keyText(event.key)),
      );
    this.#tell(events);
  }

  /** What was written here, told without reading it again. */
  applyOwn(plan: Plan, revision: number, head: Head, modRevision: bigint): void {
    // The watch may have been faster than the answer.
    if (head.sequence > this.sequence) {
      const base = this.sequence;
      this.#head = { ...this.#head, sequence: head.sequence, revision: head.revision };
      this.#tell(
        plan.changes.map(({ type, key, object }, index) => ({
          type,
          key,
          object,
          revision,
          sequence: base + index + 1,
        })),
      );
    }
    this.#sawHead(head, modRevision);
  }

  #tell(events: readonly WatchEvent[]): void {
    for (const { type, key, object } of events) this.#index.apply({ type, key, before: undefined, object });
    this.#window.push(events);
    this.#watchers.publish(events);
  }

  #sawHead(head: Head, modRevision: bigint): void {
    if (modRevision < this.#headModRevision || head.sequence !== this.sequence) return;
    this.#headModRevision = modRevision;
    this.#head = head;
  }

  /** Away for so long that the writes in between are gone: what differs is told as if it had just been written. */
  #jump(before: ObjectIndex, to: { readonly sequence: number; readonly revision: number }): void {
    const events = differences(before, this.#index, to);
    this.#head = { ...this.#head, ...to };
    this.#window.reset(to.sequence);
    this.history.forget();
    this.#watchers.jump(events, to.sequence);
  }
}

function differences(
  before: ObjectIndex,
  after: ObjectIndex,
  { sequence, revision }: { readonly sequence: number; readonly revision: number },
): WatchEvent[] {
  const events: WatchEvent[] = [];
  for (const object of after.all()) {
    const key = keyOf(object);
    const was = before.get(key);
    if (was?.metadata.resourceVersion === object.metadata.resourceVersion) continue;
    events.push({ type: was === undefined ? "added" : "modified", sequence, revision, key, object });
  }
  for (const object of before.all()) {
    const key = keyOf(object);
    if (after.get(key) === undefined) events.push({ type: "deleted", sequence, revision, key, object });
  }
  return events;
}
