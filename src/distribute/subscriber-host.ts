/** What a subscriber lives in: where its resources come from, and whom it tells. */
import type { Interests } from "./interests.ts";
import type { ResourceKind, ResourceSource } from "./resource-source.ts";

export interface SubscriberHost<S> {
  readonly source: ResourceSource;
  readonly interests: Interests<S>;
  nextSequence(): number;
  nowUs(): number;
  /** A change was answered that began when something became dirty at `sinceUs`. */
  pushed(sinceUs: number): void;
  /** A resource was refused. */
  refused(kind: ResourceKind): void;
  /** What it refuses is something else than before. */
  refusalsChanged(subscriber: S): void;
}
