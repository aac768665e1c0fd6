/**
 * All subscribers of one control plane: finds those that a change touches and has them flushed, a slice at a time so
 * that a change to everything does not stop everything. Knows no socket, no stream and no protobuf.
 */
import type { Clock } from "../kernel/index.ts";
import type { Change } from "./change.ts";
import { Interests } from "./interests.ts";
import type { ResourceKind, ResourceSource, SourceChange } from "./resource-source.ts";
import { type Rejection, Subscriber, type SubscriberHost } from "./subscriber.ts";
import type { ProxyIdentity } from "./wishes.ts";

/** Of the event loop, then others have their turn. */
const sliceUs = 5_000;
/** The same where time stands still: at some 20 µs each. */
const sliceSubscribers = 256;
/** Bounds of the buckets of `pushes`, in seconds. */
export const pushBuckets = [0.005, 0.02, 0.1, 0.5, 2, 10] as const;

export interface SubscriberStatus {
  readonly identity: ProxyIdentity;
  /** See `Subscriber.revision`. */
  readonly revision: number;
  /** A change is on its way to it. */
  readonly isPending: boolean;
  readonly rejection: Rejection | undefined;
}

export class SubscriptionCore implements SubscriberHost {
  readonly source: ResourceSource;
  readonly interests: Interests<Subscriber>;
  readonly #clock: Clock;
  readonly #subscribers = new Set<Subscriber>();
  readonly #toFlush = new Set<Subscriber>();
  /** First changes of new subscribers: each costs a hundred times what a later change does. */
  readonly #starts = new Set<() => void>();
  readonly #pushes: number[] = [...pushBuckets.map(() => 0), 0];
  #pushSeconds = 0;
  readonly #unsubscribe: () => void;
  #isSliceDue = false;
  #sequence = 0;
  #revision: number;

  constructor(source: ResourceSource, clock: Clock) {
    this.source = source;
    this.#clock = clock;
    this.interests = new Interests(source);
    this.#revision = source.revision;
    this.#unsubscribe = source.subscribe((change) => this.#follow(change));
  }

  /** `send` must not call back into the core. Close the subscriber when its stream ends. */
  open(identity: ProxyIdentity, send: (change: Change) => void): Subscriber {
    const subscriber = new Subscriber(identity, this, send);
    this.#subscribers.add(subscriber);
    return subscriber;
  }

  closeSubscriber(subscriber: Subscriber): void {
    subscriber.close();
    this.#subscribers.delete(subscriber);
    this.#toFlush.delete(subscriber);
  }

  /** Takes no more changes; open subscribers get none any more. */
  close(): void {
    this.#unsubscribe();
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

  /** Of every workload; where one has two streams for a moment, of the newer one. */
  statuses(): SubscriberStatus[] {
    const newest = new Map<string, Subscriber>();
    for (const subscriber of this.#subscribers) newest.set(subscriber.identity.workload, subscriber);
    return [...newest.values()].map((subscriber) => ({
      identity: subscriber.identity,
      revision: subscriber.revision,
      isPending: subscriber.unacknowledged !== undefined,
      rejection: subscriber.rejection,
    }));
  }

  /** Workloads with a stream on which the newest version of a resource is not acknowledged. */
  behindOn(kind: ResourceKind, key: string): Set<string> {
    const version = this.source.get(kind, key)?.version ?? "";
    const behind = [...this.#subscribers].filter((subscriber) => !subscriber.runs(kind, key, version));
    return new Set(behind.map(({ identity }) => identity.workload));
  }

  nextSequence(): number {
    return ++this.#sequence;
  }

  #follow(change: SourceChange): void {
    // Endpoints and health move no revision, and must not make a proxy look as if it lagged behind one.
    const revision = change.revision > this.#revision ? change.revision : Number.POSITIVE_INFINITY;
    this.#revision = Math.max(this.#revision, change.revision);
    for (const cluster of change.memberships) {
      for (const key of this.interests.reload(cluster)) {
        for (const subscriber of this.interests.of("Cluster", cluster)) {
          subscriber.mark("Endpoint", key, revision);
          this.#toFlush.add(subscriber);
        }
      }
    }
    for (const { kind, key } of change.changed) {
      for (const subscriber of this.interests.of(kind, key)) {
        subscriber.mark(kind, key, revision);
        this.#toFlush.add(subscriber);
      }
    }
    if (change.gatewaysChanged) {
      for (const subscriber of this.#subscribers) {
        if (!subscriber.wantsAllGateways) continue;
        subscriber.gatewaysChanged(revision);
        this.#toFlush.add(subscriber);
      }
    }
    if (!this.#isSliceDue) this.#flushSlice();
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
