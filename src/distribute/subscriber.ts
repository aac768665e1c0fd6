/**
 * One proxy's subscriptions and what it is known to have. A change is the difference between the two, worked out when
 * it can be sent: while one is unacknowledged, what happens meanwhile only marks names as dirty, so a slow subscriber
 * costs a set bounded by its subscriptions and is then sent the newest state, however much it missed.
 *
 *   idle --something dirty--> in flight --acknowledged | rejected--> idle
 */
import { AppliedVersions } from "./applied-versions.ts";
import { isEmptyClosure, unionOf } from "./closure.ts";
import { type Change, sortRemovals, sortUpserts, type Upsert } from "./change.ts";
import { GainedClusters } from "./gained-clusters.ts";
import { ItemMap } from "./item-map.ts";
import { type RefusedResource, type RejectedGroup, RejectedItems, type Rejection } from "./rejected-items.ts";
import { hasAnyOf } from "./member-set.ts";
import { itemsOfSet, SentChange, type SentItem } from "./sent-change.ts";
import type { SubscriberHost } from "./subscriber-host.ts";
import { type Closure, emptyClosure, type ResourceKind, type ResourceName } from "./resource-source.ts";
import { type NamedKind, type ProxyIdentity, Wishes, type WishesOwner } from "./wishes.ts";

/** More than the destinations that a proxy keeps (4096 by its own bound), with room for names and addresses of each. */
const maxSubscribedNames = 16_384;

/** Told to the subscriber: there is no such thing. */
const absent = "";
/** The subscriber may have the old, the new or neither. No version looks like it. */
const uncertain = "?";
/** Marks by something else than an operator's commit, which do not keep a subscriber from its revision. */
const noRevision = Number.POSITIVE_INFINITY;
/** Before the first acknowledgement a subscriber is at no revision. */
const beforeAll = 1;

type Host = SubscriberHost<Subscriber>;
type WhyOf = (name: ResourceName) => string | undefined;

export class Subscriber implements WishesOwner {
  readonly identity: ProxyIdentity;
  #host: Host;
  readonly #send: (change: Change) => void;
  readonly #wishes: Wishes<Subscriber>;
  readonly #applied = new AppliedVersions((endpoint) => this.#host.interests.clusterOf(endpoint));
  readonly #appliedClosures = new ItemMap<Closure>();
  /** Name to the lowest revision that made it dirty. */
  readonly #dirty = new ItemMap<number>();
  readonly #gained = new GainedClusters();
  readonly #rejected = new RejectedItems();
  #isRefusing = false;
  #inFlight: SentChange | undefined = undefined;
  /** When the first of what is dirty became it; undefined: nothing is. */
  #dirtySinceUs: number | undefined = undefined;
  #hasSent = false;
  #hasSettled = false;
  #hasResumed = false;
  #wantsAllGateways = false;
  #isClosed = false;

  constructor(identity: ProxyIdentity, host: Host, send: (change: Change) => void) {
    this.identity = identity;
    this.#host = host;
    this.#send = send;
    this.#wishes = new Wishes(this, identity, host.interests);
  }

  /** What it asked for, and what its role implies; not what those need. */
  roots(): ResourceName[] {
    return this.#wishes.roots();
  }

  get wantsAllGateways(): boolean {
    return this.#wantsAllGateways;
  }

  /** The newest revision all of whose changes that touch this subscriber were acknowledged. 0: nothing was yet. */
  get revision(): number {
    return Math.min(this.answered, this.#rejected.lowestRevision - 1);
  }

  /** The same where what it refused counts as well: it will not take it by itself. */
  get answered(): number {
    if (!this.#hasSettled) return 0;
    let lowest = this.#inFlight?.lowestRevision ?? noRevision;
    for (const revision of this.#dirty.allValues()) lowest = Math.min(lowest, revision);
    for (const revision of this.#gained.revisions) lowest = Math.min(lowest, revision);
    return Math.min(this.#host.source.revision, lowest - 1);
  }

  /** The newest change that is still rejected. */
  get rejection(): Rejection | undefined {
    return this.#rejected.newest;
  }

  /** As of its newest answer. */
  get isRefusing(): boolean {
    return this.#isRefusing;
  }

  /** What it keeps an older version of, or none; in no particular order. */
  get refused(): RefusedResource[] {
    return this.#rejected.list();
  }

  /** It acknowledged that this version of the resource is live there. */
  runs(kind: ResourceKind, key: string, version: string): boolean {
    return this.#applied.get(kind, key) === version && !this.#dirty.has(kind, key);
  }

  /** The change that was sent and not yet answered. */
  get unacknowledged(): number | undefined {
    return this.#inFlight?.sequence;
  }

  // ---- what the subscriber asks for ---------------------------------------------------------

  /** A name that it asked for before is answered again: it may have forgotten the answer. "too_many": nothing was taken. */
  subscribe(kind: NamedKind, keys: readonly string[]): "ok" | "too_many" {
    if (this.#isClosed) return "ok";
    if (this.#wishes.namedCount + keys.length > maxSubscribedNames) {
      const added = new Set(keys.filter((key) => !this.#wishes.isNamed(kind, key)));
      if (this.#wishes.namedCount + added.size > maxSubscribedNames) return "too_many";
    }
    for (const key of keys) {
      if (this.#wishes.isNamed(kind, key)) this.#forgetApplied(kind, key);
      this.mark(kind, this.#wishes.name(kind, key));
    }
    return "ok";
  }

  subscribeAllGateways(): void {
    if (this.#isClosed) return;
    this.#wantsAllGateways = true;
    this.gatewaysChanged(noRevision);
  }

  unsubscribe(kind: NamedKind, keys: readonly string[]): void {
    for (const key of keys) {
      this.#wishes.unname(kind, key);
      if (this.#wishes.isWanted(kind, key)) continue;
      // The subscriber has dropped it by itself; only its closure is ours to take back.
      this.#forgetApplied(kind, key);
      this.#rejected.delete(kind, key);
      this.#dirty.delete(kind, key);
      this.#inFlight?.forget(kind, key);
      this.#wishes.setClosure(kind, key, emptyClosure);
    }
    this.#tellRefusals();
  }

  /**
   * What it had when it lost its stream. Only differences are sent. Claims about what was already sent on this stream
   * are ignored. Must all come before the first acknowledgement: then what it has and does not want is taken away.
   */
  resume(kind: ResourceKind, versions: Readonly<Record<string, string>>): void {
    if (this.#hasSettled) return;
    for (const [key, version] of Object.entries(versions)) {
      if (this.#applied.has(kind, key) || this.#inFlight?.has(kind, key) === true) continue;
      this.#hasResumed = true;
      this.#applied.set(kind, key, version);
      this.mark(kind, key);
    }
  }

  // ---- what the source tells ----------------------------------------------------------------

  /** `revision`: of the operators' commit that caused it. */
  mark(kind: ResourceKind, key: string, revision: number = this.#hasSettled ? noRevision : beforeAll): void {
    this.#dirtySinceUs ??= this.#host.nowUs();
    const before = this.#dirty.get(kind, key) ?? noRevision;
    this.#dirty.set(kind, key, Math.min(before, revision));
  }

  gained(cluster: string): void {
    this.#dirtySinceUs ??= this.#host.nowUs();
    this.#gained.add(cluster, this.#hasSettled ? noRevision : beforeAll);
  }

  letGo(cluster: string): void {
    this.#gained.delete(cluster);
    this.#applied.dissolve(cluster);
  }

  /** `keys`: endpoints that joined or left it. */
  membersChanged(cluster: string, keys: readonly string[], revision: number): void {
    if (keys.some((key) => this.#host.interests.clusterOf(key) === undefined))
      this.#applied.dissolve(cluster);
    for (const key of keys) this.mark("Endpoint", key, revision);
  }

  gatewaysChanged(revision: number): void {
    if (!this.#wantsAllGateways) return;
    const keys = this.#host.source.gateways();
    this.#wishes.implyGateways(keys);
    if (revision === noRevision) return;
    for (const key of this.#dirty.keys("Gateway")) this.mark("Gateway", key, revision);
  }

  /** Is given what another source has, as if it had lost its stream and come back. False: it is given that already. */
  moveTo(host: Host): boolean {
    if (this.#isClosed || host === this.#host) return false;
    this.#applied.dissolveAll();
    this.#host = host;
    this.#wishes.moveTo(host.interests);
    // No commit causes this, so it keeps nobody from a revision.
    if (this.#wantsAllGateways) this.gatewaysChanged(noRevision);
    for (const { kind, key } of [...this.#applied.names()]) this.mark(kind, key, noRevision);
    return true;
  }

  /** Sends what is dirty and different, unless a change is unanswered. The first flush always sends a change. */
  flush(): void {
    if (this.#isClosed || this.#inFlight !== undefined) return;
    if (this.#dirtySinceUs === undefined && this.#hasSent) return;
    this.#releaseChangedGroups();
    this.#updateClosures();
    const gained = this.#gained.take({
      interests: this.#host.interests,
      isNew: (set) =>
        this.#rejected.size === 0 && this.#applied.hasNoneOf(set) && !hasAnyOf(this.#dirty, set),
      onEndpoint: (key, revision) => this.mark("Endpoint", key, revision),
    });
    const { sets } = gained;
    let { lowestRevision } = gained;
    const upserts: Upsert[] = [];
    const removals: ResourceName[] = [];
    const items: SentItem[] = [];
    for (const name of this.#dirty.names()) {
      const item = this.#difference(name, upserts, removals);
      if (item === undefined) continue;
      items.push(item);
      lowestRevision = Math.min(lowestRevision, this.#dirty.get(name.kind, name.key) ?? noRevision);
    }
    this.#dirty.clear();
    const sinceUs = this.#dirtySinceUs ?? this.#host.nowUs();
    this.#dirtySinceUs = undefined;
    if (items.length === 0 && sets.length === 0 && this.#hasSent) return;
    this.#hasSent = true;
    const sequence = this.#host.nextSequence();
    const { revision } = this.#host.source;
    this.#inFlight = new SentChange({ sequence, revision, lowestRevision, sinceUs, sets }, items);
    const sorted = { upserts: sortUpserts(upserts), removals: sortRemovals(removals) };
    this.#send({ sequence, revision, sets, ...sorted });
  }

  /** The subscriber has made the change live. Answers to anything but the change in flight are stale and ignored. */
  acknowledge(sequence: number): void {
    this.#settle(sequence, undefined, "");
  }

  /** It has not, or not all of it: `whyOf` tells of the resources that it may not have. */
  reject(sequence: number, message: string, whyOf: WhyOf = () => message): void {
    this.#settle(sequence, whyOf, message);
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#wishes.close();
  }

  /** `whyOf` undefined: nothing was rejected. */
  #settle(sequence: number, whyOf: WhyOf | undefined, message: string): void {
    const inFlight = this.#inFlight;
    if (inFlight === undefined || inFlight.sequence !== sequence) return;
    this.#inFlight = undefined;
    this.#host.pushed(inFlight.sinceUs);
    const { lowestRevision, revision } = inFlight;
    const group: RejectedGroup = { sequence, message, items: new Set(), lowestRevision, revision };
    const settle = (item: SentItem): void => {
      const why = whyOf?.(item);
      if (why === undefined) this.#applyItem(item);
      else this.#rejectItem(item, group, why);
    };
    for (const set of inFlight.sets) {
      if (whyOf === undefined && this.#wishes.isIntact(set)) this.#applied.setAll(set);
      else for (const item of itemsOfSet(set)) settle(item);
    }
    for (const item of inFlight.items) settle(item);
    this.#keepWhatStillRuns(group);
    // What it claims to have is in no item where nothing differs.
    const isResumption = !this.#hasSettled && this.#hasResumed;
    const clusters = isResumption ? this.#wishes.clusters() : inFlight.clusters(this.#wishes);
    this.#applied.shareAll(clusters, this.#host.interests);
    if (isResumption) this.#sweep();
    this.#hasSettled = true;
    this.#tellRefusals();
    this.flush();
  }

  #tellRefusals(): void {
    const wasRefusing = this.#isRefusing;
    this.#isRefusing = this.#rejected.size > 0;
    if (wasRefusing || this.#isRefusing) this.#host.refusalsChanged(this);
  }

  #applyItem({ kind, key, version, closure, isAnswer }: SentItem): void {
    this.#rejected.delete(kind, key);
    if (version === absent && !isAnswer) this.#applied.delete(kind, key);
    else this.#applied.set(kind, key, version);
    if (isEmptyClosure(closure)) this.#appliedClosures.delete(kind, key);
    else this.#appliedClosures.set(kind, key, closure);
  }

  #rejectItem({ kind, key, version }: SentItem, group: RejectedGroup, why: string): void {
    this.#rejected.add(group, { kind, key }, { version, why });
    this.#host.refused(kind);
    this.#applied.set(kind, key, uncertain);
    // It may run the old one still: what that needs stays, and stays up to date.
    const old = this.#appliedClosures.get(kind, key);
    if (old !== undefined) this.#wishes.setClosure(kind, key, unionOf(this.#wishes.closure(kind, key), old));
  }

  /**
   * An outbound that keeps its old clusters wants back what the same change took away. That is no rejected state but
   * one to be sent, once; held to be a difference, it would release the group, to be rejected again, for ever.
   */
  #keepWhatStillRuns(group: RejectedGroup): void {
    for (const { kind, key } of [...group.items]) {
      if (this.#rejected.version(kind, key) !== absent || !this.#wishes.isWanted(kind, key)) continue;
      if (this.#host.source.get(kind, key) === undefined) continue;
      this.#rejected.delete(kind, key);
      this.mark(kind, key);
    }
  }

  /** Once all that it claimed to have is known: what it does not want any more is marked, to be taken away. */
  #sweep(): void {
    for (const { kind, key } of [...this.#applied.names()]) {
      if (!this.#wishes.isWanted(kind, key)) this.mark(kind, key);
    }
  }

  #releaseChangedGroups(): void {
    if (this.#rejected.size === 0) return;
    // What becomes dirty meanwhile was in a group that is released, so it is in none any more.
    for (const { kind, key } of [...this.#dirty.names()]) {
      const version = this.#rejected.version(kind, key);
      if (version === undefined || this.#versionOf(kind, key) === version) continue;
      const group = this.#rejected.release(kind, key);
      for (const name of group?.items ?? []) this.mark(name.kind, name.key, group?.lowestRevision);
    }
  }

  #updateClosures(): void {
    for (const kind of ["Inbound", "Outbound", "Gateway"] as const) {
      for (const key of [...this.#dirty.keys(kind)]) {
        if (this.#rejected.has(kind, key)) continue;
        const resource = this.#wishes.isWanted(kind, key) ? this.#host.source.get(kind, key) : undefined;
        const closure = resource?.closure ?? emptyClosure;
        this.#wishes.setClosure(kind, key, closure);
        if (resource !== undefined && resource.version !== this.#applied.get(kind, key)) {
          this.#unrejectClosure(closure);
        }
      }
    }
  }

  /** What is about to be sent needs it, so a rejection that it was caught up in must not hold it back. */
  #unrejectClosure({ clusters, certificates }: Closure): void {
    if (this.#rejected.size === 0) return;
    for (const cluster of clusters) {
      this.#unrejectItem("Cluster", cluster);
      for (const endpoint of this.#host.interests.members(cluster)) this.#unrejectItem("Endpoint", endpoint);
    }
    for (const certificate of certificates) this.#unrejectItem("Certificate", certificate);
  }

  #unrejectItem(kind: ResourceKind, key: string): void {
    if (this.#rejected.delete(kind, key)) this.mark(kind, key);
  }

  #versionOf(kind: ResourceKind, key: string): string {
    if (!this.#wishes.isWanted(kind, key)) return absent;
    return this.#host.source.get(kind, key)?.version ?? absent;
  }

  #difference(name: ResourceName, upserts: Upsert[], removals: ResourceName[]): SentItem | undefined {
    const { kind, key } = name;
    const isWanted = this.#wishes.isWanted(kind, key);
    // It may have said that it has this before saying that it wants it: see `#sweep`.
    if (!isWanted && !this.#hasSettled) return undefined;
    const resource = isWanted ? this.#host.source.get(kind, key) : undefined;
    const version = resource?.version ?? absent;
    const applied = this.#applied.get(kind, key);
    const isKnown = version === applied || this.#rejected.version(kind, key) === version;
    if (resource !== undefined) {
      if (isKnown) return undefined;
      upserts.push({ kind, key, resource });
      return { kind, key, version, closure: resource.closure, isAnswer: true };
    }
    // Only a name that was asked for is answered when it was never there.
    const isAnswer = this.#wishes.isNamed(kind, key);
    if (isKnown || (applied === undefined && !isAnswer)) return undefined;
    removals.push(name);
    return { kind, key, version: absent, closure: emptyClosure, isAnswer };
  }

  #forgetApplied(kind: ResourceKind, key: string): void {
    this.#applied.delete(kind, key);
    this.#appliedClosures.delete(kind, key);
  }
}
