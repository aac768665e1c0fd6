/**
 * What a group of subscribers is given: one source of compiled resources and who wants what of it. A core has a base lane, and
 * while a configuration is tried out on some proxies a second one.
 */
import { Interests } from "./interests.ts";
import type { ResourceKind, ResourceSource, SourceChange } from "./resource-source.ts";
import type { Subscriber } from "./subscriber.ts";
import type { SubscriberHost } from "./subscriber-host.ts";

export interface LaneOptions {
  readonly source: ResourceSource;
  /** What all lanes of a core have in common. */
  readonly host: Pick<
    SubscriberHost<Subscriber>,
    "nextSequence" | "nowUs" | "pushed" | "refused" | "refusalsChanged"
  >;
  /** Of `subscribers` all want to be flushed. */
  readonly onChanged: (subscribers: Iterable<Subscriber>) => void;
}

export class Lane implements SubscriberHost<Subscriber> {
  readonly source: ResourceSource;
  readonly interests: Interests<Subscriber>;
  readonly subscribers = new Set<Subscriber>();
  readonly #host: LaneOptions["host"];
  readonly #onChanged: LaneOptions["onChanged"];
  readonly #unsubscribe: () => void;
  #revision: number;

  constructor({ source, host, onChanged }: LaneOptions) {
    this.source = source;
    this.#host = host;
    this.#onChanged = onChanged;
    this.interests = new Interests(source);
    this.#revision = source.revision;
    this.#unsubscribe = source.subscribe((change) => this.#follow(change));
  }

  nextSequence(): number {
    return this.#host.nextSequence();
  }

  nowUs(): number {
    return this.#host.nowUs();
  }

  pushed(sinceUs: number): void {
    this.#host.pushed(sinceUs);
  }

  refused(kind: ResourceKind): void {
    this.#host.refused(kind);
  }

  refusalsChanged(subscriber: Subscriber): void {
    this.#host.refusalsChanged(subscriber);
  }

  /** Workloads with a stream on which the newest version of a resource is not acknowledged. */
  behindOn(kind: ResourceKind, key: string): string[] {
    const version = this.source.get(kind, key)?.version ?? "";
    return [...this.subscribers]
      .filter((subscriber) => !subscriber.runs(kind, key, version))
      .map(({ identity }) => identity.workload);
  }

  /** Takes no more changes; its subscribers get none any more. */
  close(): void {
    this.#unsubscribe();
  }

  #follow(change: SourceChange): void {
    // Endpoints and health move no revision, and must not make a proxy look as if it lagged behind one.
    // Several commits may come as one change: then the first of them holds back whom it touches.
    const revision = change.revision > this.#revision ? this.#revision + 1 : Number.POSITIVE_INFINITY;
    this.#revision = Math.max(this.#revision, change.revision);
    const touched = new Set<Subscriber>();
    for (const cluster of change.memberships) {
      const keys = this.interests.reload(cluster);
      if (keys.length === 0) continue;
      for (const subscriber of this.interests.of("Cluster", cluster)) {
        subscriber.membersChanged(cluster, keys, revision);
        touched.add(subscriber);
      }
    }
    for (const { kind, key } of change.changed) {
      this.interests.changed(kind, key);
      for (const subscriber of this.interests.of(kind, key)) {
        subscriber.mark(kind, key, revision);
        touched.add(subscriber);
      }
    }
    if (change.gatewaysChanged) {
      for (const subscriber of this.subscribers) {
        if (!subscriber.wantsAllGateways) continue;
        subscriber.gatewaysChanged(revision);
        touched.add(subscriber);
      }
    }
    this.#onChanged(touched);
  }
}
