/** From the objects of the files to compiled resources: registry and compiler together, one step and one revision for each change. */
import { type ApiObject, keyOf, keyText, type ObjectKey, type Stored } from "../api/index.ts";
import {
  Compiler,
  type CompileOutput,
  type GatewayHost,
  type KeySetChange,
  type StatusUpdate,
} from "../compile/index.ts";
import type {
  ResourceKind,
  ResourceName,
  ResourceSource,
  SourceChange,
  SourceResource,
} from "../distribute/index.ts";
import { ChangeSet, indexObject, RegistryIndex, unindexObject } from "../registry/index.ts";
import { type Entry, ObjectLedger } from "./object-ledger.ts";

/** There is no mesh, so nobody is asked for a certificate of it. */
const trust = { trustDomain: "standalone.weft", trustRoots: [] };

export interface AppliedChange {
  /** How many objects are new or different, or gone. */
  readonly changed: number;
  /** False: nothing happened, neither to the objects nor to the machine. */
  readonly isNew: boolean;
  /** Of the objects whose status is another one now. */
  readonly statuses: readonly StatusUpdate[];
  /** Computations that ran into a defect of ours; what they would have replaced stays. */
  readonly defects: readonly string[];
}

/** What another process needs to go on from here. */
export interface FileConfigurationState {
  readonly revision: number;
  readonly entries: readonly Entry[];
  /** Routes whose newest version cannot compile: the ones that are in force. */
  readonly inForce: readonly Entry[];
  readonly gatewayHost: GatewayHost | undefined;
  readonly keySets: readonly KeySetChange[];
}

export class FileConfiguration implements ResourceSource {
  readonly #ledger = new ObjectLedger();
  readonly #registry = new RegistryIndex();
  readonly #compiler = new Compiler({ ...trust, registry: this.#registry });
  readonly #listeners = new Set<(change: SourceChange) => void>();
  readonly #inForce = new Map<string, Entry>();
  #revision = 0;
  #host: GatewayHost | undefined;
  #keySets: readonly KeySetChange[] = [];

  get revision(): number {
    return this.#revision;
  }

  /** Where policies find keys of tokens' issuers. The same set as long as they are the same. */
  get wantedJwks(): ReadonlySet<string> {
    return this.#compiler.wantedJwks;
  }

  /** All objects that there are now; where gateways are served, and issuers' keys, stay as they were where they are not given. */
  apply(
    objects: readonly ApiObject[],
    gatewayHost: GatewayHost | undefined = this.#host,
    keySets: readonly KeySetChange[] = this.#keySets,
  ): AppliedChange {
    const before = new Map([...this.#ledger.entries].map((entry) => [keyText(keyOf(entry.written)), entry]));
    const { upserted, removed } = this.#ledger.replace(objects);
    const changed = upserted.length + removed.length;
    const isNew = changed > 0 || !Bun.deepEquals([this.#host, this.#keySets], [gatewayHost, keySets]);
    if (!isNew) return { changed, isNew, statuses: [], defects: [] };
    this.#host = gatewayHost;
    this.#keySets = keySets;
    const output = this.#compile(upserted, removed);
    this.#noteQuarantined(upserted, removed, before);
    this.#revision++;
    this.#announce(output);
    return { changed, isNew, statuses: output.statuses, defects: output.defects };
  }

  save(): FileConfigurationState {
    return {
      revision: this.#revision,
      entries: [...this.#ledger.entries],
      inForce: [...this.#inForce.values()],
      gatewayHost: this.#host,
      keySets: this.#keySets,
    };
  }

  /** Before anything else: as if the changes that led there had been made here. */
  restore({ revision, entries, inForce, gatewayHost, keySets }: FileConfigurationState): void {
    this.#host = gatewayHost;
    this.#keySets = keySets;
    for (const entry of inForce) this.#inForce.set(keyText(keyOf(entry.written)), entry);
    const isInForce = ({ written }: Entry): boolean => this.#inForce.has(keyText(keyOf(written)));
    const good = entries.map((entry) => this.#inForce.get(keyText(keyOf(entry.written))) ?? entry);
    this.#revision = revision;
    for (const step of [good, entries.filter(isInForce)]) {
      this.#announce(
        this.#compile(
          step.map(({ stored }) => stored),
          [],
        ),
      );
    }
    this.#ledger.restore(entries);
  }

  #announce(output: CompileOutput): void {
    const change = {
      revision: this.#revision,
      changed: changedNames(output),
      memberships: output.memberships,
      gatewaysChanged: output.gatewaysChanged,
    };
    for (const listener of this.#listeners) listener(change);
  }

  get(kind: ResourceKind, key: string): SourceResource | undefined {
    return this.#compiler.get({ kind, key });
  }

  members(cluster: string): readonly string[] {
    return this.#compiler.members(cluster);
  }

  gateways(): readonly string[] {
    return this.#compiler.gateways();
  }

  forget(kind: ResourceKind, key: string): void {
    this.#compiler.forget({ kind, key });
  }

  forgetMembers(cluster: string): void {
    this.#compiler.forgetMembers(cluster);
  }

  subscribe(listener: (change: SourceChange) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  #compile(upserted: readonly Stored[], removed: readonly ObjectKey[]): CompileOutput {
    const registry = new ChangeSet();
    for (const key of removed) unindexObject(this.#registry, key, registry);
    // Nobody tells of a workload's life but the author of the file.
    for (const object of upserted) indexObject(this.#registry, object, "live", registry);
    const gatewayHost = this.#host;
    return this.#compiler.apply({
      upserted,
      removed,
      registry,
      keySets: this.#keySets,
      ...(gatewayHost === undefined ? {} : { gatewayHost }),
    });
  }

  #noteQuarantined(
    upserted: readonly Stored[],
    removed: readonly ObjectKey[],
    before: ReadonlyMap<string, Entry>,
  ): void {
    for (const key of removed) this.#inForce.delete(keyText(key));
    for (const object of upserted) {
      const key = keyOf(object);
      const name = keyText(key);
      const good = this.#inForce.get(name) ?? before.get(name);
      if (!this.#compiler.isQuarantined(key)) this.#inForce.delete(name);
      else if (good !== undefined) this.#inForce.set(name, good);
    }
  }
}

function changedNames({ upserted, removed }: CompileOutput): ResourceName[] {
  // Nothing compiles to a Commit: what follows the changes makes its own.
  return [...upserted, ...removed].flatMap(({ kind, key }) => (kind === "Commit" ? [] : [{ kind, key }]));
}
