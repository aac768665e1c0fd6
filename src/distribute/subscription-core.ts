/**
 * All subscribers of one control plane: finds those that a change touches and has them flushed, a slice at a time so
 * that a change to everything does not stop everything. Knows no socket, no stream and no protobuf.
 */
import type { Clock } from "../kernel/index.ts";
import type { Change } from "./change.ts";
import { Interests } from "./interests.ts";
import type { ResourceKind, ResourceName, ResourceSource, SourceChange } from "./resource-source.ts";
import { type Rejection, Subscriber, type SubscriberHost } from "./subscriber.ts";
import type { ProxyIdentity } from "./wishes.ts";

/** At some 20 µs each, a slice is 5 ms of the event loop. */
const sliceSubscribers = 256;

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

  /** What each proxy has by name; where a workload has two streams for a moment, of the newer one. */
  subscriptions(): { readonly identity: ProxyIdentity; readonly roots: readonly ResourceName[] }[] {
    const newest = new Map([...this.#subscribers].map((each) => [each.identity.workload, each]));
    return [...newest.values()].map((each) => ({ identity: each.identity, roots: each.roots() }));
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
    let left = sliceSubscribers;
    for (const subscriber of this.#toFlush) {
      if (left-- === 0) break;
      this.#toFlush.delete(subscriber);
      subscriber.flush();
    }
    if (this.#toFlush.size === 0) return;
    this.#isSliceDue = true;
    this.#clock.after(0, () => this.#flushSlice());
  }
}
