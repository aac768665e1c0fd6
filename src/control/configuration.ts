/**
 * From the store to compiled resources, one step for each change: the store's events go through the registry and the
 * compiler together, so that what one commit wrote is seen as one change and with its revision. Liveness, which no
 * write causes, takes the same way.
 */
import { type KindName, keyOf, keyText, type MeshConfig, type ObjectKey, type Stored } from "../api/index.ts";
import {
  type CompileChange,
  Compiler,
  type CompileOutput,
  type GatewayHost,
  type KeySetChange,
  type TrustInput,
} from "../compile/index.ts";
import { type Log, WeftError } from "../kernel/index.ts";
import type { Registry, RegistryChange } from "../registry/index.ts";
import type { Store, WatchEvent } from "../store/index.ts";
import { lastGoodVersions } from "./last-good.ts";
import type { StatusQueue } from "./status-queue.ts";

export interface ConfigurationOptions {
  readonly store: Store;
  readonly registry: Registry;
  readonly statuses: StatusQueue;
  readonly trustDomain: string;
  /** DER. */
  readonly trustRoots: readonly Uint8Array[];
  /** Where gateways are served that name no address of their own; undefined: not known. */
  readonly gatewayAddress?: string | undefined;
  readonly log: Log;
}

/** `registry`: what changed of services and workloads in the same step; undefined: nothing. */
export type ConfigurationListener = (
  output: CompileOutput,
  revision: number,
  registry: RegistryChange | undefined,
) => void;

/** What the compiler takes as objects; the registry takes the rest. */
export const compiledKinds = [
  "Namespace",
  "GatewayClass",
  "Gateway",
  "HTTPRoute",
  "GRPCRoute",
  "TLSRoute",
  "TCPRoute",
  "UDPRoute",
  "ListenerSet",
  "ConfigMap",
  "ReferenceGrant",
  "TrafficPolicy",
  "FaultPolicy",
  "AuthenticationPolicy",
  "AuthorizationPolicy",
  "RateLimitPolicy",
  "TelemetryPolicy",
  "MeshConfig",
  "Secret",
  "BackendTLSPolicy",
  "ExternalService",
] as const satisfies KindName[];

type Surroundings = Required<Pick<CompileChange, "gatewayHost" | "keySets">> & Pick<CompileChange, "trust">;

export class Configuration {
  readonly compiler: Compiler;
  readonly #store: Store;
  readonly #registry: Registry;
  readonly #statuses: StatusQueue;
  readonly #log: Log;
  readonly #listeners = new Set<ConfigurationListener>();
  /** Objects that the compiler has, so that a fresh listing shows which of them are gone. */
  readonly #known = new Map<string, ObjectKey>();
  /** Those that are told what goes in, and not what comes out. */
  readonly #followers = new Set<(change: CompileChange, revision: number) => void>();
  readonly #keySets = new Map<string, KeySetChange>();
  readonly #trustAtStart: Pick<ConfigurationOptions, "trustDomain" | "trustRoots">;
  #trust: TrustInput | undefined;
  #gatewayHost: GatewayHost;
  readonly #unsubscribe: () => void;
  #unwatch: () => void = () => {};
  #revision = 0;

  /** Reads everything and compiles it; follows the store from then on. */
  constructor(options: ConfigurationOptions) {
    this.#store = options.store;
    this.#registry = options.registry;
    this.#statuses = options.statuses;
    this.#log = options.log;
    this.#trustAtStart = { trustDomain: options.trustDomain, trustRoots: options.trustRoots };
    this.compiler = new Compiler({ ...this.#trustAtStart, registry: options.registry.views });
    this.#gatewayHost = { address: options.gatewayAddress ?? "" };
    this.compiler.apply({ gatewayHost: this.#gatewayHost });
    this.#unsubscribe = this.#registry.subscribe((registry) => this.#apply({ registry }));
    this.#reload();
  }

  /** The newest revision that is compiled. */
  get revision(): number {
    return this.#revision;
  }

  /** The stored one, or what holds before anybody wrote one. */
  get meshConfig(): MeshConfig {
    return this.compiler.meshConfig;
  }

  /** Called after every change, also one that changed no resource: the revision has moved. */
  subscribe(listener: ConfigurationListener): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  /** Gives what is in quarantine the newest version in the history that can be used: at a start nobody else knows it. */
  async recover(): Promise<void> {
    const quarantined = [...this.#known.values()].filter((key) => this.compiler.isQuarantined(key));
    if (quarantined.length === 0) return;
    const scratch = new Compiler({ ...this.#trustAtStart, registry: this.#registry.views });
    const versions = await lastGoodVersions(this.#store, quarantined, (version) => {
      scratch.apply({ upserted: [version] });
      return !scratch.isQuarantined(keyOf(version));
    });
    for (const version of versions) {
      const key = keyOf(version);
      const newest = this.#store.get(key);
      // Mended meanwhile, or gone.
      if (newest === undefined || !this.compiler.isQuarantined(key)) continue;
      this.#apply({ upserted: [version] });
      this.#apply({ upserted: [newest] });
      this.#log.warn("an object cannot be used; an older version of it is in force", {
        object: keyText(key),
      });
    }
  }

  /** Everything that holds, as one change: of what is in quarantine the version that does. The registry is read by its views. */
  everything(): CompileChange {
    return {
      upserted: compiledKinds
        .flatMap((kind): readonly Stored[] => this.#store.list({ kind }).items)
        .map((object) => this.compiler.inForce(keyOf(object)) ?? object),
      ...this.surroundings(),
    };
  }

  /** What the compiler has been given that nobody writes as an object. */
  surroundings(): Surroundings {
    return {
      gatewayHost: this.#gatewayHost,
      keySets: [...this.#keySets.values()],
      ...(this.#trust === undefined ? {} : { trust: this.#trust }),
    };
  }

  /** Called with what the compiler is given from now on, after it has taken it and before subscribers are told. */
  follow(follower: (change: CompileChange, revision: number) => void): () => void {
    this.#followers.add(follower);
    return () => void this.#followers.delete(follower);
  }

  /** Of the machines that serve gateways; undefined: not known. */
  setGatewayAddresses(addresses: readonly string[] | undefined): void {
    if (Bun.deepEquals(addresses, this.#gatewayHost.addresses)) return;
    this.#gatewayHost = { ...this.#gatewayHost, addresses };
    this.#apply({ gatewayHost: this.#gatewayHost });
  }

  /** Addresses of the key sets of issuers that somebody has to fetch; `wantedJwksChanged` of an output tells of another set. */
  wantedJwks(): ReadonlySet<string> {
    return this.compiler.wantedJwks;
  }

  /** `document`: the newest that may be used; undefined: none. `error`: why the last attempt brought nothing. */
  setJwks(uri: string, document: string | undefined, error?: string): void {
    const change = { uri, document, error };
    this.#keySets.set(uri, change);
    const wanted = this.compiler.wantedJwks;
    for (const known of this.#keySets.keys()) if (!wanted.has(known)) this.#keySets.delete(known);
    this.#apply({ keySets: [change] });
  }

  /** Roots, issuing root and what is revoked, whenever one of them changes. */
  setTrust(trust: TrustInput): void {
    this.#trust = trust;
    this.#apply({ trust });
  }

  close(): void {
    this.#unsubscribe();
    this.#unwatch();
    this.#listeners.clear();
    this.#followers.clear();
  }

  #reload(): void {
    const { change, sequence } = this.#registry.load();
    const revision = this.#store.revision;
    const upserted = compiledKinds.flatMap((kind): readonly Stored[] => this.#store.list({ kind }).items);
    const present = new Set(upserted.map((object) => keyText(keyOf(object))));
    const removed = [...this.#known].filter(([key]) => !present.has(key)).map(([, key]) => key);
    this.#revision = revision;
    this.#apply({ upserted, removed, registry: change });
    const unwatch = this.#store.watch(sequence, (events) => this.#follow(events));
    // The listing was read just now, in the same step: a store that has forgotten it already is broken.
    if (unwatch === "gone")
      throw new WeftError("internal", "the store cannot be watched from its newest state");
    this.#unwatch = unwatch;
  }

  #follow(events: readonly WatchEvent[]): void {
    const newest = new Map<string, WatchEvent>();
    for (const event of events) newest.set(keyText(event.key), event);
    const compiled = [...newest.values()].filter((event) => isCompiledKind(event.key.kind));
    this.#revision = Math.max(this.#revision, events.at(-1)?.revision ?? 0);
    this.#apply({
      upserted: compiled.filter((event) => event.type !== "deleted").map((event) => event.object),
      removed: compiled.filter((event) => event.type === "deleted").map((event) => event.key),
      registry: this.#registry.apply(events),
    });
  }

  #apply(change: CompileChange): void {
    for (const key of change.removed ?? []) this.#known.delete(keyText(key));
    for (const object of change.upserted ?? []) {
      const key = keyOf(object);
      this.#known.set(keyText(key), key);
    }
    const output = this.compiler.apply(change);
    this.#statuses.add(output.statuses);
    for (const defect of output.defects)
      this.#log.error("a resource could not be compiled; the last one stays", { defect });
    this.#log.debug("configuration compiled", {
      revision: this.#revision,
      changed: output.upserted.length,
      removed: output.removed.length,
    });
    for (const follower of this.#followers) follower(change, this.#revision);
    for (const listener of this.#listeners) listener(output, this.#revision, change.registry);
  }
}

function isCompiledKind(kind: KindName): boolean {
  return compiledKinds.some((entry) => entry === kind);
}
