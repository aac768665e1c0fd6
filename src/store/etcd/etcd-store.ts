/**
 * The store over etcd, for several control planes: memory for what is read, fed by one watch; each write a compare-and-swap of
 * the head on the state that it was planned on. Where somebody else was first, it is planned anew on what is there then.
 *
 *   write: queued -> fresh enough? -> planned -> appended --moved--> caught up -> planned again
 *                                               `--done--> in memory, told to watchers, acknowledged
 */
import { randomUUID } from "node:crypto";
import {
  type ApiObject,
  keyOf,
  keyText,
  type KindName,
  type ObjectKey,
  type Stored,
  type StoredOfKind,
} from "../../api/index.ts";
import { type Clock, errorLine, type Log, WeftError } from "../../kernel/index.ts";
import { type Event, Event_EventType, KV } from "../../wire/etcd/index.ts";
import { ObjectIndex } from "../object-index.ts";
import { atSequence, checkPlannedOn, type Plan, type PlannedChange, planWrites } from "../plan-writes.ts";
import type {
  Change,
  Commit,
  CommitOptions,
  CommitResult,
  Listing,
  ListSelector,
  OperationalWrite,
  Store,
  WatchEvent,
  Write,
  WriteResult,
} from "../store.ts";
import { Watchers } from "../watchers.ts";
import {
  append,
  type AppenderParts,
  type Condition,
  discard,
  modIs,
  prepare,
  type Prepared,
  put,
} from "./appender.ts";
import { decodeEntry, eventsOf, unreadable } from "./entry.ts";
import { isLost } from "./etcd-client.ts";
import { EventWindow } from "./event-window.ts";
import { EtcdHistory } from "./history.ts";
import {
  decodeHead,
  emptyHead,
  encodeHead,
  type Entry,
  type Head,
  type HeadAt,
  readData,
  readEntries,
  readEntry,
  readHead,
} from "./reader.ts";
import { bytesOf, textOf } from "./scan.ts";
import { WatchLoop } from "./watch-loop.ts";
import { WriteQueue } from "./write-queue.ts";

/** Enough for a watcher to come back after minutes away; beyond it lists again. */
const defaultRetainedEvents = 20_000;
const defaultRetainedRevisions = 10_000;
/** Somebody writes all the time: after so many tries in vain the caller decides. */
const maxTries = 20;
/** A write asks first whether etcd answers, unless it just did: so that a refusal is certain to have done nothing. */
const contactMs = 1_000;

export interface EtcdStoreOptions extends AppenderParts {
  readonly clock: Clock;
  readonly log: Log;
  readonly newUid?: () => string;
  readonly retainedEvents?: number;
  readonly retainedRevisions?: number;
}

/** A store that others write to as well. */
export interface SharedStore extends Store {
  /** Reads what others have written up to now. Throws `unavailable` where etcd does not answer. */
  catchUp(): Promise<void>;
  /** The same store, whose writes are made only while the condition holds; else they are refused with `conflict`. */
  fenced(fence: () => Condition | undefined): Store;
  /** Whether what others write arrives at present. */
  readonly isFollowing: boolean;
  /** Resolves when what waits to be written is written, or refused. */
  idle(): Promise<void>;
  readonly head: Head;
  readonly retained: { readonly events: number; readonly revisions: number };
}

/** Throws `unavailable` where etcd does not answer, `io` where it holds what this weft or this key cannot read. */
export async function openEtcdStore(options: EtcdStoreOptions): Promise<SharedStore> {
  const { client, layout } = options;
  await client.read(KV.method.txn, {
    compare: [modIs(layout.head, 0n)],
    success: [put(layout.head, encodeHead(emptyHead))],
  });
  const anchor = await client.read(KV.method.range, { key: bytesOf(layout.anchor(options.replica)) });
  const at = await readHead(options);
  const store = new EtcdStore(
    options,
    at,
    anchor.kvs[0] === undefined ? undefined : textOf(anchor.kvs[0].value),
  );
  await store.load(at);
  store.follow(at.etcdRevision + 1n);
  return store;
}

interface Outcome {
  readonly result: WriteResult;
  readonly revision: number;
}

class EtcdStore implements SharedStore {
  readonly retained: SharedStore["retained"];
  readonly #options: EtcdStoreOptions;
  readonly #newUid: () => string;
  readonly #window: EventWindow;
  readonly #watchers: Watchers;
  readonly #queue: WriteQueue;
  readonly #history: EtcdHistory;
  #index = new ObjectIndex();
  #head: Head;
  #headModRevision: bigint;
  #anchor: string | undefined;
  #isAnchorWaiting = false;
  #contactUs: number;
  #watch: WatchLoop | undefined;
  /** The entry that a head is about to name. */
  #announced: { readonly key: string; readonly value: Uint8Array } | undefined;
  #catchingUp: Promise<void> | undefined;
  #isClosed = false;

  constructor(options: EtcdStoreOptions, at: HeadAt, anchor: string | undefined) {
    this.#options = options;
    this.#newUid = options.newUid ?? randomUUID;
    this.retained = {
      events: options.retainedEvents ?? defaultRetainedEvents,
      revisions: options.retainedRevisions ?? defaultRetainedRevisions,
    };
    this.#head = { ...at.head, ...at.head.folded };
    this.#headModRevision = at.modRevision;
    this.#anchor = anchor;
    this.#contactUs = options.clock.monotonicUs();
    this.#window = new EventWindow(this.retained.events, at.head.folded.sequence);
    this.#watchers = new Watchers({
      sequence: at.head.folded.sequence,
      readAfter: (sequence) => this.#window.after(sequence),
      log: options.log,
    });
    this.#queue = new WriteQueue(options.clock);
    this.#history = new EtcdHistory(options, this.retained.revisions);
  }

  get revision(): number {
    return this.#head.revision;
  }

  get sequence(): number {
    return this.#head.sequence;
  }

  get head(): Head {
    return this.#head;
  }

  get anchor(): string | undefined {
    return this.#anchor;
  }

  get isFollowing(): boolean {
    return this.#watch?.isFollowing ?? false;
  }

  /** Written in the background, the newest at the time of writing; a commit that carries one overtakes it. */
  setAnchor(anchor: string): void {
    this.#refuseWhenClosed();
    this.#anchor = anchor;
    if (this.#isAnchorWaiting) return;
    this.#isAnchorWaiting = true;
    this.#queue
      .add(() => this.#writeAnchor())
      .catch((error: unknown) => {
        this.#isAnchorWaiting = false;
        if (!this.#isClosed)
          this.#options.log.warn("the end of the audit log is not noted in etcd", {
            error: errorLine(error),
          });
      });
  }

  get<K extends KindName>(key: ObjectKey & { readonly kind: K }): StoredOfKind<K> | undefined {
    return this.#index.get(key);
  }

  list<K extends KindName>(selector: ListSelector<K>): Listing<K> {
    return { items: this.#index.list(selector), sequence: this.sequence };
  }

  async commit(writes: readonly Write[], options: CommitOptions): Promise<CommitResult> {
    return await this.#commit(writes, options, undefined);
  }

  async writeOperational(writes: readonly OperationalWrite[]): Promise<WriteResult> {
    return (await this.#write(writes, undefined, undefined)).result;
  }

  fenced(fence: () => Condition | undefined): Store {
    const store = this;
    return {
      get revision() {
        return store.revision;
      },
      get sequence() {
        return store.sequence;
      },
      get anchor() {
        return store.anchor;
      },
      get: (key) => store.get(key),
      list: (selector) => store.list(selector),
      commit: (writes, options) => store.#commit(writes, options, fence),
      writeOperational: async (writes) => (await store.#write(writes, undefined, fence)).result,
      setAnchor: (anchor) => store.setAnchor(anchor),
      history: (limit, before) => store.history(limit, before),
      objectAt: (key, revision) => store.objectAt(key, revision),
      changesBetween: (from, to) => store.changesBetween(from, to),
      watch: (from, listener) => store.watch(from, listener),
      close: () => {},
    };
  }

  async history(limit: number, before?: number): Promise<readonly Commit[]> {
    this.#refuseWhenClosed();
    return await this.#history.commits(this.revision, limit, before);
  }

  async objectAt(key: ObjectKey, revision: number): Promise<ApiObject | undefined | "gone"> {
    this.#refuseWhenClosed();
    const found = await this.#history.objectAt(this.revision, key, revision);
    return found === "as it is" ? this.#index.get(key) : found;
  }

  async changesBetween(from: number, to: number): Promise<readonly Change[] | "gone"> {
    this.#refuseWhenClosed();
    return await this.#history.changesBetween(this.revision, from, to);
  }

  watch(fromSequence: number, listener: (events: readonly WatchEvent[]) => void): (() => void) | "gone" {
    this.#refuseWhenClosed();
    if (fromSequence < this.sequence && !this.#window.reaches(fromSequence)) return "gone";
    return this.#watchers.add(fromSequence, listener);
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#watch?.close();
    this.#watchers.clear();
    this.#queue.close();
  }

  async idle(): Promise<void> {
    await this.#queue.idle();
  }

  /** What is there at `at`, for the first time or after too long away. */
  async load(at: HeadAt): Promise<void> {
    const index = new ObjectIndex();
    for await (const object of readData(this.#options, at.etcdRevision)) index.put(keyOf(object), object);
    const before = this.#index;
    this.#index = index;
    if (this.#watch !== undefined) this.#jump(before, at.head.folded);
    await this.#readOn(at.head.folded, at);
  }

  follow(from: bigint): void {
    const { client, layout } = this.#options;
    this.#watch = new WatchLoop({
      client,
      ...layout.watched,
      from,
      onEvents: (events) => this.#take(events),
      onGap: () => this.#bridge(),
    });
  }

  async catchUp(): Promise<void> {
    this.#refuseWhenClosed();
    await this.#bridge();
  }

  async #commit(
    writes: readonly Write[],
    options: CommitOptions,
    fence: (() => Condition | undefined) | undefined,
  ): Promise<CommitResult> {
    const { result, revision } = await this.#write(writes, options, fence);
    return { revision, ...result };
  }

  #write(
    writes: readonly OperationalWrite[],
    meta: CommitOptions | undefined,
    fence: (() => Condition | undefined) | undefined,
  ): Promise<Outcome> {
    return this.#queue.add(async () => {
      await this.#touch();
      return await this.#tryUntilDone(writes, meta, fence);
    });
  }

  async #tryUntilDone(
    writes: readonly OperationalWrite[],
    meta: CommitOptions | undefined,
    fence: (() => Condition | undefined) | undefined,
  ): Promise<Outcome> {
    let kept: { readonly plan: Plan; readonly prepared: Prepared } | undefined;
    try {
      for (let attempt = 0; attempt < maxTries; attempt++) {
        checkPlannedOn(meta?.plannedOn, this.revision);
        const plan = kept === undefined ? undefined : rebase(kept.plan, this.#index, this.sequence);
        if (plan === undefined) {
          if (kept !== undefined) await discard(this.#options, kept.prepared);
          const planned = await this.#planFresh(writes, meta);
          if (planned.changes.length === 0) return this.#outcome(planned);
          kept = {
            plan: planned,
            prepared: await prepare(this.#options, planned.changes, meta !== undefined),
          };
          // An upload takes its time; what came meanwhile changes nothing in most cases.
          if (planned.changes.length > 0 && kept.prepared.inline === undefined) continue;
        } else if (kept !== undefined) {
          kept = { ...kept, plan };
        }
        if (kept === undefined) continue;
        const condition = fence?.();
        if (fence !== undefined && condition === undefined) throw fencedOff();
        const appended = await append(this.#options, {
          prepared: kept.prepared,
          head: this.#head,
          headModRevision: this.#headModRevision,
          changes: kept.plan.changes.length,
          meta,
          timeMs: this.#options.clock.nowMs(),
          fence: condition,
        });
        this.#contactUs = this.#options.clock.monotonicUs();
        if (appended.kind === "fenced") throw fencedOff();
        if (appended.kind === "done") {
          const done = kept;
          kept = undefined;
          this.#applyOwn(done.plan, appended.entry.revision, appended.head, appended.modRevision);
          if (appended.entry.isCommit) this.#history.noteOwn(appended.entry.revision, done.plan.changes);
          this.#anchor = meta?.anchor ?? this.#anchor;
          return this.#outcome(done.plan, appended.entry);
        }
        if (appended.kind === "disowned") {
          kept = undefined;
          continue;
        }
        await this.#bridgeOrRefuse();
      }
      throw new WeftError("conflict", `others write all the time: given up after ${maxTries} tries`, {
        hint: "try again",
      });
    } finally {
      if (kept !== undefined) await discard(this.#options, kept.prepared);
    }
  }

  /** A refusal, and "there is nothing to do", are for the newest state alone: what others wrote is read before. */
  async #planFresh(writes: readonly OperationalWrite[], meta: CommitOptions | undefined): Promise<Plan> {
    try {
      const plan = this.#plan(writes, meta);
      if (plan.changes.length > 0) return plan;
    } catch (error) {
      if (!(error instanceof WeftError) || error.code === "bad_input") throw error;
    }
    await this.#bridgeOrRefuse();
    checkPlannedOn(meta?.plannedOn, this.revision);
    return this.#plan(writes, meta);
  }

  #plan(writes: readonly OperationalWrite[], meta: CommitOptions | undefined): Plan {
    return planWrites(writes, {
      mode: meta === undefined ? "operational" : "commit",
      current: (key) => this.#index.get(key),
      sequence: this.sequence,
      nowMs: this.#options.clock.nowMs(),
      newUid: this.#newUid,
    });
  }

  #outcome(
    plan: Plan,
    entry: { readonly sequence: number; readonly revision: number } = this.#head,
  ): Outcome {
    return { result: { sequence: entry.sequence, objects: plan.objects }, revision: entry.revision };
  }

  /** Asks etcd whether it is there, unless it just was. */
  async #touch(): Promise<void> {
    this.#refuseWhenClosed();
    const { clock } = this.#options;
    if (clock.monotonicUs() - this.#contactUs < contactMs * 1_000) return;
    await this.#bridgeOrRefuse();
  }

  async #bridgeOrRefuse(): Promise<void> {
    try {
      await this.#bridge();
    } catch (error) {
      if (!isLost(error)) throw error;
      throw new WeftError("unavailable", `etcd does not answer, nothing was written: ${errorLine(error)}`, {
        cause: error,
        hint: "can etcd be reached, and has it a majority? reads and proxies go on meanwhile",
      });
    }
  }

  async #writeAnchor(): Promise<void> {
    const { client, layout, replica } = this.#options;
    this.#isAnchorWaiting = false;
    const anchor = this.#anchor;
    if (anchor === undefined) return;
    await client.read(KV.method.put, { key: bytesOf(layout.anchor(replica)), value: bytesOf(anchor) });
  }

  /** Reads what the head has and memory has not. One at a time. Returns etcd's revision after it. */
  async #bridge(): Promise<bigint> {
    let revision = 0n;
    const before = this.#catchingUp;
    const run = (async () => {
      // What ran before began before we were asked: it may not know of what we want to know.
      await before?.catch(() => {});
      const at = await readHead(this.#options);
      this.#contactUs = this.#options.clock.monotonicUs();
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
    for await (const entry of readEntries(this.#options, from, at.etcdRevision)) this.#apply(entry);
    if (this.sequence < at.head.sequence)
      throw unreadable(`no write after ${this.sequence}, though the head names one,`);
    this.#sawHead(at.head, at.modRevision);
  }

  async #take(events: readonly Event[]): Promise<void> {
    for (const { type, kv } of events) {
      if (type !== Event_EventType.PUT || kv === undefined) continue;
      const key = textOf(kv.key);
      if (key !== this.#options.layout.head) {
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
      await this.#bridge();
      return;
    }
    this.#apply(await readEntry(this.#options, announced.key, announced.value));
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
      this.#history.note(
        head.revision,
        events.map((event) => keyText(event.key)),
      );
    this.#tell(events);
  }

  #applyOwn(plan: Plan, revision: number, head: Head, modRevision: bigint): void {
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
    this.#history.forget();
    this.#watchers.jump(events, to.sequence);
  }

  #refuseWhenClosed(): void {
    if (this.#isClosed) throw new WeftError("unavailable", "the store is closed");
  }
}

/** The same changes on a newer state; undefined where one of the objects that were looked at has changed meanwhile. */
function rebase(plan: Plan, index: ObjectIndex, sequence: number): Plan | undefined {
  const moved = new Map<Stored, Stored>();
  const changes: PlannedChange[] = [];
  for (const change of plan.changes) {
    if (index.get(change.key) !== change.before) return undefined;
    const newSequence = sequence + changes.length + 1;
    const isThere = change.object.metadata.resourceVersion === String(newSequence);
    const object = isThere ? change.object : atSequence(change.object, newSequence);
    moved.set(change.object, object);
    changes.push(isThere ? change : { ...change, object });
  }
  for (const object of plan.objects)
    if (!moved.has(object) && index.get(keyOf(object)) !== object) return undefined;
  return { changes, objects: plan.objects.map((object) => moved.get(object) ?? object) };
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

function fencedOff(): WeftError {
  return new WeftError("conflict", "this replica does not lead any more; nothing was written");
}
