/**
 * All subscribers of one control plane: finds those that a change touches and has them flushed, a slice at a time so
 * that a change to everything does not stop everything. Knows no socket, no stream and no protobuf.
 */
import type { Clock } from "../kernel/index.ts";
import type { Change } from "./change.ts";
import { Lane } from "./lane.ts";
import type { ResourceKind, ResourceName, ResourceSource } from "./resource-source.ts";
import type { RefusedResource, Rejection } from "./rejected-items.ts";
import { Subscriber } from "./subscriber.ts";
import type { ProxyIdentity } from "./wishes.ts";

/** Of the event loop, then others have their turn. */
const sliceUs = 5_000;
/** The same where time stands still: at some 20 µs each. */
const sliceSubscribers = 256;
const noneRefused: readonly RefusedResource[] = [];
/** Bounds of the buckets of `pushes`, in seconds. */
export const pushBuckets = [0.005, 0.02, 0.1, 0.5, 2, 10] as const;

export interface SubscriberStatus {
  readonly identity: ProxyIdentity;
  /** See `Subscriber.revision`. */
  readonly revision: number;
  /** A change is on its way to it. */
  readonly isPending: boolean;
  readonly rejection: Rejection | undefined;
  /** See `Subscriber.answered`. */
  readonly answered: number;
  readonly refused: readonly RefusedResource[];
  /** It is given what is tried out, and not the base. */
  readonly isOnTrial: boolean;
}

/** A second source, and who is given it in the place of the base. Asked for each stream; the answer may change only with another trial. */
export interface Trial {
  readonly source: ResourceSource;
  readonly isChosen: (workload: string) => boolean;
}

export class SubscriptionCore {
  readonly #clock: Clock;
  readonly #base: Lane;
  readonly #subscribers = new Set<Subscriber>();
  readonly #toFlush = new Set<Subscriber>();
  readonly #refusing = new Set<Subscriber>();
  readonly #refusalListeners = new Set<() => void>();
  readonly #refusalCounts = new Map<ResourceKind, number>();
  #trial: { readonly lane: Lane; readonly isChosen: Trial["isChosen"] } | undefined;
  /** First changes of new subscribers: each costs a hundred times what a later change does. */
  readonly #starts = new Set<() => void>();
  readonly #pushes: number[] = [...pushBuckets.map(() => 0), 0];
  #pushSeconds = 0;
  #isSliceDue = false;
  #sequence = 0;

  constructor(source: ResourceSource, clock: Clock) {
    this.#clock = clock;
    this.#base = this.#newLane(source);
  }

  /** What is given to everybody who is on no trial. */
  get source(): ResourceSource {
    return this.#base.source;
  }

  /** `send` must not call back into the core. Close the subscriber when its stream ends. */
  open(identity: ProxyIdentity, send: (change: Change) => void): Subscriber {
    const lane = this.#laneOf(identity);
    const subscriber = new Subscriber(identity, lane, send);
    lane.subscribers.add(subscriber);
    this.#subscribers.add(subscriber);
    return subscriber;
  }

  closeSubscriber(subscriber: Subscriber): void {
    subscriber.close();
    this.#subscribers.delete(subscriber);
    this.#base.subscribers.delete(subscriber);
    this.#trial?.lane.subscribers.delete(subscriber);
    this.#toFlush.delete(subscriber);
    if (this.#refusing.delete(subscriber)) this.#tellRefusals();
  }

  /**
   * From now on chosen subscribers are given what another source has, without losing their stream: only what differs is sent.
   * Undefined: all are given the base again. The same source with another choice moves only those that are chosen otherwise.
   */
  setTrial(trial: Trial | undefined): void {
    const before = this.#trial;
    if (trial === undefined) this.#trial = undefined;
    else {
      const isSame = before?.lane.source === trial.source;
      this.#trial = { lane: isSame ? before.lane : this.#newLane(trial.source), isChosen: trial.isChosen };
    }
    for (const subscriber of this.#subscribers) this.#place(subscriber);
    if (before !== undefined && before.lane !== this.#trial?.lane) before.lane.close();
    if (!this.#isSliceDue) this.#flushSlice();
  }

  /** Of the newest change that was sent to anybody. */
  get sequence(): number {
    return this.#sequence;
  }

  /** Takes no more changes; open subscribers get none any more. */
  close(): void {
    this.#base.close();
    this.#trial?.lane.close();
    this.#toFlush.clear();
    this.#starts.clear();
  }

  /** Runs it once the event loop has time for it: after what is to be told to subscribers that have something already. */
  later(start: () => void): void {
    this.#starts.add(start);
    if (this.#isSliceDue) return;
    this.#isSliceDue = true;
    setImmediate(() => this.#flushSlice());
  }

  /** Subscribers that a change touched and that have not been sent it yet; each is in here once, whatever it missed. */
  get queued(): number {
    return this.#toFlush.size;
  }

  /** New subscribers that wait for their first change. */
  get starting(): number {
    return this.#starts.size;
  }

  /** From the mark that began a change until the subscriber's answer: by bucket, above the last one at the end. */
  get pushes(): { readonly counts: readonly number[]; readonly seconds: number } {
    return { counts: this.#pushes, seconds: this.#pushSeconds };
  }

  nowUs(): number {
    return this.#clock.monotonicUs();
  }

  /** A subscriber has answered a change that began at `sinceUs`. */
  pushed(sinceUs: number): void {
    const seconds = (this.nowUs() - sinceUs) / 1e6;
    const bucket = pushBuckets.findIndex((bound) => seconds <= bound);
    const index = bucket < 0 ? pushBuckets.length : bucket;
    this.#pushes[index] = (this.#pushes[index] ?? 0) + 1;
    this.#pushSeconds += seconds;
  }

  /** What proxies refuse is something else than before. Returns the way out. */
  onRefusals(listener: () => void): () => void {
    this.#refusalListeners.add(listener);
    return () => void this.#refusalListeners.delete(listener);
  }

  /** By workload, of those on no trial that refuse something. */
  refusals(): Map<string, readonly RefusedResource[]> {
    const refusing = [...this.#refusing].filter((each) => this.#base.subscribers.has(each));
    return new Map(refusing.map((each) => [each.identity.workload, each.refused]));
  }

  /** How often a resource was refused since the start, by its kind. */
  get refusalCounts(): ReadonlyMap<ResourceKind, number> {
    return this.#refusalCounts;
  }

  refused(kind: ResourceKind): void {
    this.#refusalCounts.set(kind, (this.#refusalCounts.get(kind) ?? 0) + 1);
  }

  refusalsChanged(subscriber: Subscriber): void {
    if (subscriber.isRefusing) this.#refusing.add(subscriber);
    else this.#refusing.delete(subscriber);
    this.#tellRefusals();
  }

  #tellRefusals(): void {
    for (const listener of this.#refusalListeners) listener();
  }

  /** Of every workload; where one has two streams for a moment, of the newer one. */
  statuses(): SubscriberStatus[] {
    const newest = new Map<string, Subscriber>();
    for (const subscriber of this.#subscribers) newest.set(subscriber.identity.workload, subscriber);
    return [...newest.values()].map((subscriber) => ({
      identity: subscriber.identity,
      revision: subscriber.revision,
      isPending: subscriber.unacknowledged !== undefined,
      rejection: subscriber.rejection,
      answered: subscriber.answered,
      refused: this.#refusing.has(subscriber) ? subscriber.refused : noneRefused,
      isOnTrial: this.#trial?.lane.subscribers.has(subscriber) === true,
    }));
  }

  /** What each proxy has by name; where a workload has two streams for a moment, of the newer one. */
  subscriptions(): { readonly identity: ProxyIdentity; readonly roots: readonly ResourceName[] }[] {
    const newest = new Map([...this.#subscribers].map((each) => [each.identity.workload, each]));
    return [...newest.values()].map((each) => ({ identity: each.identity, roots: each.roots() }));
  }

  /** Workloads with a stream on which the newest version of a resource is not acknowledged. */
  behindOn(kind: ResourceKind, key: string): Set<string> {
    return new Set([...this.#base.behindOn(kind, key), ...(this.#trial?.lane.behindOn(kind, key) ?? [])]);
  }

  /** Workloads for which it makes a difference whether they are given the base or `other`. Asks both for all that anybody has asked for. */
  async touchedBy(other: ResourceSource, pause: () => Promise<void>): Promise<Set<string>> {
    const touched = new Set<string>();
    const base = this.#base.source;
    const isDifferent = ({ kind, key }: ResourceName): boolean => {
      const isSame = base.get(kind, key)?.version === other.get(kind, key)?.version;
      if (!this.#base.interests.has(kind, key)) base.forget(kind, key);
      return !isSame;
    };
    const lanes = this.#trial?.lane.source === other ? [this.#base, this.#trial.lane] : [this.#base];
    let asked = 0;
    for (const { interests } of lanes) {
      for (const name of [...interests.names()]) {
        if (++asked % sliceSubscribers === 0) await pause();
        if (!isDifferent(name)) continue;
        for (const { identity } of interests.of(name.kind, name.key)) touched.add(identity.workload);
      }
    }
    return touched;
  }

  nextSequence(): number {
    return ++this.#sequence;
  }

  #newLane(source: ResourceSource): Lane {
    return new Lane({
      source,
      host: this,
      onChanged: (subscribers) => {
        for (const subscriber of subscribers) this.#toFlush.add(subscriber);
        if (!this.#isSliceDue) this.#flushSlice();
      },
    });
  }

  #laneOf({ workload }: ProxyIdentity): Lane {
    return this.#trial?.isChosen(workload) === true ? this.#trial.lane : this.#base;
  }

  #place(subscriber: Subscriber): void {
    const lane = this.#laneOf(subscriber.identity);
    if (!subscriber.moveTo(lane)) return;
    this.#base.subscribers.delete(subscriber);
    this.#trial?.lane.subscribers.delete(subscriber);
    lane.subscribers.add(subscriber);
    this.#toFlush.add(subscriber);
  }

  #flushSlice(): void {
    this.#isSliceDue = false;
    const endUs = this.nowUs() + sliceUs;
    for (let left = sliceSubscribers; left > 0 && this.nowUs() < endUs; left--)
      if (!this.#flushNext()) return;
    this.#isSliceDue = true;
    this.#clock.after(0, () => this.#flushSlice());
  }

  /** False: nobody waits. */
  #flushNext(): boolean {
    for (const subscriber of this.#toFlush) {
      this.#toFlush.delete(subscriber);
      subscriber.flush();
      return true;
    }
    for (const start of this.#starts) {
      this.#starts.delete(start);
      start();
      return true;
    }
    return false;
  }
}
