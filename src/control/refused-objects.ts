/**
 * Whose fault it may be that a proxy refuses a resource: of the objects that the resource is made of those that were changed when it
 * became what it is, else all of them. Each says so in its status until every proxy takes what comes of it.
 */
import { isKindName, keyText, type ObjectKey } from "../api/index.ts";
import { type ComputedCondition, sourcesOf } from "../compile/index.ts";
import type { RefusedResource, ResourceName, SubscriptionCore } from "../distribute/index.ts";
import { type Clock, errorLine, type Log, type Timer } from "../kernel/index.ts";
import type { Store } from "../store/index.ts";
import type { Configuration } from "./configuration.ts";
import type { ProxyDirectory } from "./proxy-directory.ts";
import type { StatusQueue } from "./status-queue.ts";

export interface RefusedObjectsOptions {
  readonly core: SubscriptionCore;
  readonly directory: ProxyDirectory;
  readonly configuration: Configuration;
  readonly store: Pick<Store, "changesBetween">;
  readonly statuses: StatusQueue;
  readonly clock: Clock;
  readonly log: Log;
}

/** All proxies of a mesh answer one change within this; a status is written once for them. */
const gatherMs = 200;
/** Resources that are looked into; with more of them refused one object more is no news. */
const maxResources = 200;
/** Named in a status document. */
const maxBlamed = 256;

/** One resource and who refuses it. */
interface Refusal extends RefusedResource {
  readonly workloads: string[];
}

export class RefusedObjects {
  readonly #options: RefusedObjectsOptions;
  readonly #unsubscribe: readonly (() => void)[];
  #conditions: ReadonlyMap<string, ComputedCondition> = new Map();
  /** By resource, what it may be due to. */
  #objects: ReadonlyMap<string, readonly ObjectKey[]> = new Map();
  #timer: Timer | undefined;
  #working: Promise<void> = Promise.resolve();
  #isClosed = false;

  constructor(options: RefusedObjectsOptions) {
    this.#options = options;
    const { core, directory, statuses } = options;
    this.#unsubscribe = [
      core.onRefusals(() => this.#changed()),
      directory.onElsewhere(() => this.#changed()),
      statuses.addTo((update) => this.#conditions.get(keyText(update))),
    ];
  }

  /** Names of objects that a resource's refusal may be due to. */
  objectsOf({ kind, key }: ResourceName): string[] {
    return (this.#objects.get(`${kind} ${key}`) ?? []).slice(0, maxBlamed).map(keyText);
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#timer?.cancel();
    for (const leave of this.#unsubscribe) leave();
    await this.#working;
  }

  #changed(): void {
    if (this.#timer !== undefined || this.#isClosed) return;
    this.#timer = this.#options.clock.after(gatherMs, () => {
      this.#timer = undefined;
      this.#working = this.#working
        .then(() => this.#judge())
        .catch((error: unknown) => {
          this.#options.log.warn("what proxies refuse could not be looked into", { error: errorLine(error) });
        });
    });
  }

  async #judge(): Promise<void> {
    const { configuration, statuses, directory, core } = this.#options;
    const conditions = new Map<string, ComputedCondition>();
    const objects = new Map<string, readonly ObjectKey[]>();
    for (const refusal of byResource(directory.refusals(core)).slice(0, maxResources)) {
      const found = await this.#madeOf(refusal);
      objects.set(`${refusal.kind} ${refusal.key}`, found);
      for (const key of found) {
        const text = keyText(key);
        if (!conditions.has(text)) conditions.set(text, conditionOf(refusal));
      }
    }
    if (this.#isClosed) return;
    const before = this.#conditions;
    this.#conditions = conditions;
    this.#objects = objects;
    const touched = new Set([...before.keys(), ...conditions.keys()]);
    const isOther = (text: string): boolean => !Bun.deepEquals(before.get(text), conditions.get(text));
    statuses.add([...touched].filter(isOther).flatMap((text) => configuration.compiler.statusOf(text) ?? []));
  }

  async #madeOf({ kind, key, fromRevision, revision }: Refusal): Promise<ObjectKey[]> {
    const { configuration, store } = this.#options;
    const parts = sourcesOf(configuration.compiler, { kind, key }).flatMap((source): ObjectKey[] => {
      const { namespace, name } = source;
      return isKindName(source.kind) ? [{ kind: source.kind, namespace, name }] : [];
    });
    if (!Number.isFinite(fromRevision)) return parts;
    const changes = await store.changesBetween(Math.max(0, fromRevision - 1), revision);
    if (changes === "gone") return parts;
    const changed = new Set(changes.map((change) => keyText(change.key)));
    const blamed = parts.filter((part) => changed.has(keyText(part)));
    return blamed.length > 0 ? blamed : parts;
  }
}

function byResource(refusals: ReadonlyMap<string, readonly RefusedResource[]>): Refusal[] {
  const found = new Map<string, Refusal>();
  for (const [workload, refused] of refusals) {
    for (const each of refused) {
      const name = `${each.kind} ${each.key}`;
      const known = found.get(name);
      if (known === undefined) found.set(name, { ...each, workloads: [workload] });
      else known.workloads.push(workload);
    }
  }
  return [...found.values()];
}

function conditionOf({ kind, key, why, workloads }: Refusal): ComputedCondition {
  const [first = "", ...rest] = workloads.toSorted();
  const who = rest.length === 0 ? `proxy ${first} refuses` : `proxy ${first} and ${rest.length} more refuse`;
  const message = `${who} ${kind} ${key}, which is made of this: ${why}; what was there before stays in force there`;
  return { type: inForceCondition, status: "False", reason: "RefusedByProxy", message };
}

const inForceCondition = "weft.dev/InForce";
