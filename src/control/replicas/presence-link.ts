/**
 * Who is connected where: each replica tells of its proxies under its lease, and knows those of the others. When a replica
 * dies its word goes with its lease, and its proxies' own leases begin to run at all the others.
 */
import { errorLine, type Clock, type Log, type Timer } from "../../kernel/index.ts";
import type { EtcdReplica } from "../../store/etcd/index.ts";
import type { TrialReport } from "../rollout/trial.ts";
import {
  decodePart,
  encodePart,
  type PresencePart,
  type ProxyRecord,
  type ReplicaRecord,
} from "./proxies-elsewhere.ts";
import { trialIn } from "./trial-records.ts";

const prefix = "presence/";
/** What one look costs grows with the proxies: it takes a twentieth of the time at most. */
const lookEveryMs = 250;
const lookShare = 20;
/** Some 100 KB, compressed. */
const proxiesPerPart = 2_000;

export interface PresenceLinkParts {
  readonly replica: EtcdReplica;
  /** Of this replica; in any order. */
  readonly own: () => { readonly replica: ReplicaRecord; readonly proxies: readonly ProxyRecord[] };
  /** All proxies that are connected to others, by workload. */
  readonly onElsewhere: (proxies: ReadonlyMap<string, ProxyRecord>) => void;
  readonly clock: Clock;
  readonly log: Log;
}

export class PresenceLink {
  readonly #parts: PresenceLinkParts;
  readonly #unsubscribes: readonly (() => void)[];
  /** Parts as they were written, by their names. */
  #written = new Map<string, string>();
  /** Of other replicas, by the parts' names. */
  readonly #others = new Map<string, PresencePart>();
  #timer: Timer | undefined;
  #isClosed = false;

  constructor(parts: PresenceLinkParts) {
    this.#parts = parts;
    const { values, session } = parts.replica;
    this.#take([...values.names(prefix)]);
    this.#unsubscribes = [
      values.onChange((names) => this.#take(names.filter((name) => name.startsWith(prefix)))),
      // What was written under a lease that is gone is gone with it.
      session.onChange(() => void (this.#written = new Map())),
    ];
    this.#schedule(0);
  }

  /** By name; this one is not among them. */
  get others(): ReadonlyMap<string, ReplicaRecord & { readonly proxies: number }> {
    const found = new Map<string, ReplicaRecord & { readonly proxies: number }>();
    for (const [name, { replica, proxies }] of this.#others) {
      const owner = ownerOf(name);
      found.set(owner, { ...replica, proxies: (found.get(owner)?.proxies ?? 0) + proxies.length });
    }
    return found;
  }

  /** What the others tell of a configuration on trial, of those that do. */
  get trials(): TrialReport[] {
    const parts = new Map<string, PresencePart[]>();
    for (const [name, part] of this.#others) {
      const owner = ownerOf(name);
      parts.set(owner, [...(parts.get(owner) ?? []), part]);
    }
    return [...parts.values()].flatMap((each) => trialIn(each) ?? []);
  }

  close(): void {
    this.#isClosed = true;
    this.#timer?.cancel();
    for (const unsubscribe of this.#unsubscribes) unsubscribe();
  }

  #schedule(delayMs: number): void {
    if (this.#isClosed) return;
    this.#timer = this.#parts.clock.after(delayMs, () => {
      const startUs = this.#parts.clock.monotonicUs();
      void this.#tell()
        .catch((error: unknown) =>
          this.#parts.log.debug("the other replicas are not told of proxies", { error: errorLine(error) }),
        )
        .finally(() => {
          const tookMs = (this.#parts.clock.monotonicUs() - startUs) / 1_000;
          this.#schedule(Math.max(lookEveryMs, tookMs * lookShare));
        });
    });
  }

  async #tell(): Promise<void> {
    const { replica, own } = this.#parts;
    if (replica.session.lease === undefined) return;
    const mine = own();
    const sorted = mine.proxies.toSorted((a, b) => (a.workload < b.workload ? -1 : 1));
    const next = new Map<string, string>();
    const changes = new Map<string, Uint8Array | undefined>();
    for (let part = 0; part === 0 || part * proxiesPerPart < sorted.length; part++) {
      const proxies = sorted.slice(part * proxiesPerPart, (part + 1) * proxiesPerPart);
      const content: PresencePart = { replica: mine.replica, proxies };
      const name = `${prefix}${replica.name}/${part}`;
      const text = JSON.stringify(content);
      next.set(name, text);
      if (this.#written.get(name) !== text) changes.set(name, encodePart(content));
    }
    for (const name of this.#written.keys()) if (!next.has(name)) changes.set(name, undefined);
    if (changes.size === 0) return;
    const lease = replica.session.lease;
    await replica.values.set(changes, "leased");
    if (replica.session.lease === lease) this.#written = next;
  }

  #take(names: readonly string[]): void {
    const { replica, log, onElsewhere } = this.#parts;
    const others = names.filter((name) => ownerOf(name) !== replica.name);
    if (others.length === 0) return;
    for (const name of others) {
      try {
        const found = replica.values.get(name);
        const part = found === undefined ? undefined : decodePart(found.value);
        if (part === undefined) this.#others.delete(name);
        else this.#others.set(name, part);
      } catch (error) {
        log.warn("what another replica tells of its proxies cannot be read", { error: errorLine(error) });
      }
    }
    const proxies = new Map<string, ProxyRecord>();
    for (const part of this.#others.values())
      for (const proxy of part.proxies) {
        // A proxy that moves is at two places for a moment: what is newer counts.
        const known = proxies.get(proxy.workload);
        if (known === undefined || known.revision <= proxy.revision) proxies.set(proxy.workload, proxy);
      }
    onElsewhere(proxies);
  }
}

/** `presence/<replica>/<part>` */
function ownerOf(name: string): string {
  return name.slice(prefix.length, name.lastIndexOf("/"));
}
