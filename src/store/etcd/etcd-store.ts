/**
 * The store over etcd, for several control planes: memory for what is read, fed by one watch; each write a compare-and-swap of
 * the head on the state that it was planned on. Where somebody else was first, it is planned anew on what is there then.
 *
 *   write: queued -> fresh enough? -> planned -> appended --moved--> caught up -> planned again
 *                                               `--done--> in memory, told to watchers, acknowledged
 */
import { randomUUID } from "node:crypto";
import type { ApiObject, KindName, ObjectKey, StoredOfKind } from "../../api/index.ts";
import { type Clock, errorLine, type Log, WeftError } from "../../kernel/index.ts";
import { KV } from "../../wire/etcd/index.ts";
import { checkPlannedOn, type Plan, planWrites } from "../plan-writes.ts";
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
import { isLost } from "./etcd-client.ts";
import { FencedStore } from "./fenced-store.ts";
import { Following } from "./following.ts";
import { rebase } from "./rebase.ts";
import { emptyHead, encodeHead, type Head, type HeadAt, readHead } from "./reader.ts";
import { bytesOf, textOf } from "./scan.ts";
import { type Fence, WriteGroup } from "./write-group.ts";
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
  await store.begin(at);
  return store;
}

interface Outcome {
  readonly result: WriteResult;
  readonly revision: number;
}

/** Undefined: by what is in memory somebody would be refused, or has nothing to write; that is for the newest state to say. */
type Planner = (isFresh: boolean) => Plan | undefined;

class EtcdStore implements SharedStore {
  readonly retained: SharedStore["retained"];
  readonly #options: EtcdStoreOptions;
  readonly #newUid: () => string;
  readonly #memory: Following;
  readonly #queue: WriteQueue;
  /** The last in the queue, while others can still be among it. */
  #group: WriteGroup | undefined;
  #anchor: string | undefined;
  #isAnchorWaiting = false;
  #isClosed = false;

  constructor(options: EtcdStoreOptions, at: HeadAt, anchor: string | undefined) {
    this.#options = options;
    this.#newUid = options.newUid ?? randomUUID;
    this.retained = {
      events: options.retainedEvents ?? defaultRetainedEvents,
      revisions: options.retainedRevisions ?? defaultRetainedRevisions,
    };
    this.#anchor = anchor;
    this.#memory = new Following(options, this.retained, at);
    this.#queue = new WriteQueue(options.clock);
  }

  /** Reads what is there at `at`, and follows from then on. */
  async begin(at: HeadAt): Promise<void> {
    await this.#memory.load(at);
    this.#memory.follow(at.etcdRevision + 1n);
  }

  get revision(): number {
    return this.#memory.head.revision;
  }

  get sequence(): number {
    return this.#memory.sequence;
  }

  get head(): Head {
    return this.#memory.head;
  }

  get anchor(): string | undefined {
    return this.#anchor;
  }

  get isFollowing(): boolean {
    return this.#memory.isFollowing;
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
    return this.#memory.index.get(key);
  }

  list<K extends KindName>(selector: ListSelector<K>): Listing<K> {
    return { items: this.#memory.index.list(selector), sequence: this.sequence };
  }

  async commit(writes: readonly Write[], options: CommitOptions): Promise<CommitResult> {
    return await this.#commit(writes, options, undefined);
  }

  async writeOperational(writes: readonly OperationalWrite[]): Promise<WriteResult> {
    return await this.#operate(writes, undefined);
  }

  fenced(fence: () => Condition | undefined): Store {
    return new FencedStore(this, {
      commit: (writes, options) => this.#commit(writes, options, fence),
      writeOperational: (writes) => this.#operate(writes, fence),
    });
  }

  async history(limit: number, before?: number): Promise<readonly Commit[]> {
    this.#refuseWhenClosed();
    return await this.#memory.history.commits(this.revision, limit, before);
  }

  async objectAt(key: ObjectKey, revision: number): Promise<ApiObject | undefined | "gone"> {
    this.#refuseWhenClosed();
    const found = await this.#memory.history.objectAt(this.revision, key, revision);
    return found === "as it is" ? this.#memory.index.get(key) : found;
  }

  async changesBetween(from: number, to: number): Promise<readonly Change[] | "gone"> {
    this.#refuseWhenClosed();
    return await this.#memory.history.changesBetween(this.revision, from, to);
  }

  watch(fromSequence: number, listener: (events: readonly WatchEvent[]) => void): (() => void) | "gone" {
    this.#refuseWhenClosed();
    return this.#memory.watch(fromSequence, listener);
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#memory.close();
    this.#queue.close();
  }

  async idle(): Promise<void> {
    await this.#queue.idle();
  }

  async catchUp(): Promise<void> {
    this.#refuseWhenClosed();
    await this.#bridgeOrRefuse();
  }

  async #commit(writes: readonly Write[], options: CommitOptions, fence: Fence): Promise<CommitResult> {
    // What comes after it stays after it.
    this.#group = undefined;
    const planner = (isFresh: boolean): Plan | undefined => {
      try {
        const plan = this.#plan(writes, "commit", this.sequence);
        return isFresh || plan.changes.length > 0 ? plan : undefined;
      } catch (error) {
        if (isFresh || !(error instanceof WeftError) || error.code === "bad_input") throw error;
        return undefined;
      }
    };
    const { result, revision } = await this.#queue.add(async () => {
      await this.#touch();
      return await this.#tryUntilDone(planner, options, fence);
    });
    return { revision, ...result };
  }

  /** Those that wait for the same write before them are one write. */
  #operate(writes: readonly OperationalWrite[], fence: Fence): Promise<WriteResult> {
    const open = this.#group;
    const joined = open?.fence === fence ? open?.add(writes) : undefined;
    if (joined !== undefined) return joined;
    const group = new WriteGroup(fence);
    const done = group.add(writes);
    if (done === undefined) throw new WeftError("internal", "a group of writes takes nobody");
    this.#group = group;
    const close = (): void => {
      if (this.#group === group) this.#group = undefined;
    };
    const planner = (isFresh: boolean): Plan | undefined =>
      group.plan(isFresh, this.sequence, (each, sequence) => this.#plan(each, "operational", sequence));
    this.#queue
      .add(async () => {
        await this.#touch();
        close();
        return await this.#tryUntilDone(planner, undefined, fence);
      })
      .then(
        ({ result }) => group.done(result),
        (error: unknown) => group.refuse(error),
      )
      .finally(close);
    return done;
  }

  async #tryUntilDone(planner: Planner, meta: CommitOptions | undefined, fence: Fence): Promise<Outcome> {
    let kept: { readonly plan: Plan; readonly prepared: Prepared } | undefined;
    try {
      for (let attempt = 0; attempt < maxTries; attempt++) {
        checkPlannedOn(meta?.plannedOn, this.revision);
        const plan = kept === undefined ? undefined : rebase(kept.plan, this.#memory.index, this.sequence);
        if (plan === undefined) {
          if (kept !== undefined) await discard(this.#options, kept.prepared);
          const planned = await this.#planFresh(planner, meta);
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
          head: this.#memory.head,
          headModRevision: this.#memory.headModRevision,
          changes: kept.plan.changes.length,
          meta,
          timeMs: this.#options.clock.nowMs(),
          fence: condition,
        });
        this.#memory.noteContact();
        if (appended.kind === "fenced") throw fencedOff();
        if (appended.kind === "done") {
          const done = kept;
          kept = undefined;
          this.#memory.applyOwn(done.plan, appended.entry.revision, appended.head, appended.modRevision);
          if (appended.entry.isCommit)
            this.#memory.history.noteOwn(appended.entry.revision, done.plan.changes);
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
  async #planFresh(planner: Planner, meta: CommitOptions | undefined): Promise<Plan> {
    const plan = planner(false);
    if (plan !== undefined) return plan;
    await this.#bridgeOrRefuse();
    checkPlannedOn(meta?.plannedOn, this.revision);
    return planner(true) ?? { changes: [], objects: [] };
  }

  #plan(writes: readonly OperationalWrite[], mode: "commit" | "operational", sequence: number): Plan {
    return planWrites(writes, {
      mode,
      current: (key) => this.#memory.index.get(key),
      sequence,
      nowMs: this.#options.clock.nowMs(),
      newUid: this.#newUid,
    });
  }

  #outcome(
    plan: Plan,
    entry: { readonly sequence: number; readonly revision: number } = this.#memory.head,
  ): Outcome {
    return { result: { sequence: entry.sequence, objects: plan.objects }, revision: entry.revision };
  }

  /** Asks etcd whether it is there, unless it just was. */
  async #touch(): Promise<void> {
    this.#refuseWhenClosed();
    const { clock } = this.#options;
    if (clock.monotonicUs() - this.#memory.contactUs < contactMs * 1_000) return;
    await this.#bridgeOrRefuse();
  }

  async #bridgeOrRefuse(): Promise<void> {
    try {
      await this.#memory.bridge();
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

  #refuseWhenClosed(): void {
    if (this.#isClosed) throw new WeftError("unavailable", "the store is closed");
  }
}

function fencedOff(): WeftError {
  return new WeftError("conflict", "this replica does not lead any more; nothing was written");
}
