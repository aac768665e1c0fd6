/** For tests only: a source that is edited by hand, and a proxy that applies what it is sent. */
import { allUpserts, type Change } from "./change.ts";
import {
  type Closure,
  emptyClosure,
  type ResourceKind,
  type ResourceName,
  type ResourceSource,
  type SourceChange,
  type SourceResource,
} from "./resource-source.ts";
import type { Subscriber } from "./subscriber.ts";
import type { SubscriptionCore } from "./subscription-core.ts";
import type { NamedKind, ProxyIdentity } from "./wishes.ts";

/** Edits gather until `commit` (a revision) or `publish` (none). An endpoint's cluster is what stands before "#". */
export class FakeSource implements ResourceSource {
  revision = 1;
  /** What `get` and `members` were asked for and not told to forget. */
  readonly tracked = new Set<string>();
  readonly #resources = new Map<string, SourceResource>();
  readonly #listeners = new Set<(change: SourceChange) => void>();
  #changed: ResourceName[] = [];
  #memberships = new Set<string>();
  #gatewaysChanged = false;

  /** `needs`: its closure, or the clusters in it. */
  put(
    kind: ResourceKind,
    key: string,
    version: string,
    needs: readonly string[] | Partial<Closure> = [],
  ): this {
    const isNew = !this.#resources.has(`${kind} ${key}`);
    const closure = { ...emptyClosure, ...(isList(needs) ? { clusters: needs } : needs) };
    const bytes = new TextEncoder().encode(`${key}=${version}`);
    this.#resources.set(`${kind} ${key}`, { key, version, bytes, closure });
    return this.#note(kind, key, isNew);
  }

  remove(kind: ResourceKind, key: string): this {
    return this.#resources.delete(`${kind} ${key}`) ? this.#note(kind, key, true) : this;
  }

  has(kind: ResourceKind, key: string): boolean {
    return this.#resources.has(`${kind} ${key}`);
  }

  commit(): void {
    this.revision++;
    this.publish();
  }

  publish(): void {
    const change: SourceChange = {
      revision: this.revision,
      changed: this.#changed,
      memberships: [...this.#memberships],
      gatewaysChanged: this.#gatewaysChanged,
    };
    this.#changed = [];
    this.#memberships = new Set();
    this.#gatewaysChanged = false;
    for (const listener of this.#listeners) listener(change);
  }

  get(kind: ResourceKind, key: string): SourceResource | undefined {
    this.tracked.add(`${kind} ${key}`);
    return this.peek(kind, key);
  }

  peek(kind: ResourceKind, key: string): SourceResource | undefined {
    return this.#resources.get(`${kind} ${key}`);
  }

  members(cluster: string): string[] {
    this.tracked.add(`members ${cluster}`);
    return this.peekMembers(cluster);
  }

  peekMembers(cluster: string): string[] {
    return this.#keys("Endpoint").filter((key) => clusterOfEndpoint(key) === cluster);
  }

  gateways(): string[] {
    return this.#keys("Gateway");
  }

  forget(kind: ResourceKind, key: string): void {
    this.tracked.delete(`${kind} ${key}`);
  }

  forgetMembers(cluster: string): void {
    this.tracked.delete(`members ${cluster}`);
  }

  subscribe(listener: (change: SourceChange) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  #keys(kind: ResourceKind): string[] {
    const prefix = `${kind} `;
    return [...this.#resources.keys()]
      .filter((id) => id.startsWith(prefix))
      .map((id) => id.slice(prefix.length));
  }

  #note(kind: ResourceKind, key: string, isMembership: boolean): this {
    this.#changed.push({ kind, key });
    if (kind === "Endpoint" && isMembership) this.#memberships.add(clusterOfEndpoint(key));
    if (kind === "Gateway" && isMembership) this.#gatewaysChanged = true;
    return this;
  }
}

function isList(needs: readonly string[] | Partial<Closure>): needs is readonly string[] {
  return Array.isArray(needs);
}

function clusterOfEndpoint(key: string): string {
  return key.split("#")[0] ?? "";
}

export function proxyIdentity(name: string, role: ProxyIdentity["role"] = "sidecar"): ProxyIdentity {
  return { workload: `shop/${name}`, namespace: "shop", name, role };
}

/** Stages each change until the test answers it. */
export class FakeProxy {
  readonly subscriber: Subscriber;
  /** "Kind key" to version; "" is a negative answer. */
  readonly state: Map<string, string>;
  readonly received: Change[] = [];
  #staged: Change | undefined = undefined;

  constructor(core: SubscriptionCore, identity: ProxyIdentity, state: Map<string, string> = new Map()) {
    this.state = state;
    this.subscriber = core.open(identity, (change) => {
      if (this.#staged !== undefined) throw new Error("a change was sent while one is unanswered");
      this.#staged = change;
      this.received.push(change);
    });
  }

  get staged(): Change | undefined {
    return this.#staged;
  }

  /** The staged change in the order of sending: "+Kind key version" and "-Kind key". */
  get lines(): string[] {
    const change = this.#staged;
    if (change === undefined) return [];
    return [
      ...[...allUpserts(change)].map(({ kind, key, resource }) => `+${kind} ${key} ${resource.version}`),
      ...change.removals.map(({ kind, key }) => `-${kind} ${key}`),
    ];
  }

  subscribe(kind: NamedKind, ...keys: string[]): this {
    this.subscriber.subscribe(kind, keys);
    this.subscriber.flush();
    return this;
  }

  unsubscribe(kind: NamedKind, ...keys: string[]): this {
    for (const key of keys) this.state.delete(`${kind} ${key}`);
    this.subscriber.unsubscribe(kind, keys);
    this.subscriber.flush();
    return this;
  }

  acknowledge(isAskedFor: (id: string) => boolean = () => true): this {
    const change = this.#take();
    if (change === undefined) return this;
    for (const { kind, key, resource } of allUpserts(change)) {
      if (isAskedFor(`${kind} ${key}`)) this.state.set(`${kind} ${key}`, resource.version);
    }
    for (const { kind, key } of change.removals) {
      const id = `${kind} ${key}`;
      // Only names are asked for; of the others nothing is kept.
      if (/^(Outbound|Name|Address) /.test(id) && isAskedFor(id)) this.state.set(id, "");
      else this.state.delete(id);
    }
    this.subscriber.acknowledge(change.sequence);
    return this;
  }

  reject(message = "no", isRejected: (name: ResourceName) => boolean = () => true): this {
    const change = this.#take();
    const whyOf = (name: ResourceName) => (isRejected(name) ? message : undefined);
    if (change !== undefined) this.subscriber.reject(change.sequence, message, whyOf);
    return this;
  }

  /** Until nothing is unanswered. */
  settle(isAskedFor?: (id: string) => boolean): this {
    for (let i = 0; this.#staged !== undefined; i++) {
      if (i > 20) throw new Error("changes never end");
      this.acknowledge(isAskedFor);
    }
    return this;
  }

  #take(): Change | undefined {
    const change = this.#staged;
    this.#staged = undefined;
    return change;
  }
}
