/**
 * The compiler: keeps inputs, and for each change recomputes what depends on it. Three stages, each feeding the next:
 * routes (what they do and where they attach), statuses, resources. Routes and statuses are computed for every
 * object; resources only once somebody asked for them, and from then on until they are forgotten.
 */
import { keyOf, keyText, type MeshConfig, type ObjectKey, type Stored } from "../api/index.ts";
import { errorLine, runAtOnce, type Steps } from "../kernel/index.ts";
import type { RegistryChange, RegistryViews } from "../registry/index.ts";
import { type CompiledRoute, factsOf } from "./compiled-route.ts";
import { DependencyIndex } from "./dependency-index.ts";
import type { GatewayHost } from "./gateway-input.ts";
import { facts } from "./facts.ts";
import { Intake } from "./intake.ts";
import { InputReader, Inputs } from "./inputs.ts";
import type { Trust, TrustInput } from "./trust-input.ts";
import { applyKeySets, applyRegistryChange, forgetKeySets } from "./input-change.ts";
import type { KeySetChange } from "./key-sets.ts";
import { hasProblem, unreadableStatus } from "./quarantine.ts";
import { compileMembers } from "./service-resources.ts";
import { type CompiledResource, compareText, type ResourceName } from "./resource.ts";
import { compileResource, parseResourceNode, resourceNode } from "./resource-kinds.ts";
import { ResourceTable } from "./resource-table.ts";
import { compileRoute, failedRoute } from "./route.ts";
import { settingSourcesOf } from "./setting-sources.ts";
import type { SettingSource } from "./policy/effective-policy.ts";
import { computeStatus, hasObject } from "./status-kinds.ts";
import type { StatusUpdate } from "./status.ts";

export interface CompilerOptions extends Trust {
  readonly registry: RegistryViews;
}

export interface CompileChange {
  readonly upserted?: readonly Stored[];
  readonly removed?: readonly ObjectKey[];
  /** What changed in the registry that the compiler was given; its views already show the new state. */
  readonly registry?: RegistryChange;
  /** Where gateways are served, once it is known, and whenever it changes. */
  readonly gatewayHost?: GatewayHost;
  /** Key sets of issuers that were fetched, or could not be. */
  readonly keySets?: readonly KeySetChange[];
  readonly trust?: TrustInput;
}

/** What an `apply` changed among the resources that somebody asked for. Sorted by kind and key. */
export interface CompileOutput {
  readonly upserted: readonly CompiledResource[];
  readonly removed: readonly ResourceName[];
  /** Clusters whose set of members changed. */
  readonly memberships: readonly string[];
  /** Gateways of weft's classes appeared or went. */
  readonly gatewaysChanged: boolean;
  /** `wantedJwks` gives another set now. */
  readonly wantedJwksChanged: boolean;
  readonly statuses: readonly StatusUpdate[];
  /** Computations that ran into a defect of ours, for the log. What they would have replaced stays. */
  readonly defects: readonly string[];
}

/** What was asked for and is to be asked for again. */
export interface StaleOutputs extends Pick<CompileOutput, "defects"> {
  readonly resources: readonly ResourceName[];
  /** Whose members may be others. */
  readonly clusters: readonly string[];
}

interface Updated extends Pick<CompileOutput, "statuses" | "wantedJwksChanged" | "gatewaysChanged"> {
  readonly affected: ReadonlySet<string>;
}

/** Of each a step's work, by which whoever shares the event loop is held up. */
const objectsOfStep = 16;
const nodesOfStep = 4_096;

export class Compiler {
  readonly #inputs: Inputs;
  readonly #dependencies = new DependencyIndex();
  /** Undefined: asked for and not there. */
  readonly #resources = new ResourceTable();
  readonly #members = new Map<string, readonly string[]>();
  readonly #statuses = new Map<string, StatusUpdate>();
  readonly #defects: string[] = [];
  /** Nodes of routes of which an older version is in force, because the newest cannot compile. */
  readonly #quarantined = new Set<string>();
  readonly #intake: Intake;

  constructor(options: CompilerOptions) {
    this.#inputs = new Inputs(options, options.registry, this.#dependencies);
    this.#intake = new Intake(this.#inputs);
  }

  /** Deterministic: the order within a change does not matter, nor into how many changes a sequence is cut. */
  apply(change: CompileChange): CompileOutput {
    const { affected, ...output } = runAtOnce(this.#update(change));
    return { ...output, ...this.#recompute(affected), defects: this.#defects.splice(0) };
  }

  /**
   * The same for somebody who computes resources and members one after another: what is out of date is named, in no order, and
   * computed by its next `get`. In steps of less than a few milliseconds, between which nothing may be asked of the compiler.
   */
  *applyLazily(change: CompileChange): Steps<StaleOutputs> {
    const { affected } = yield* this.#update(change);
    const resources: ResourceName[] = [];
    const clusters: string[] = [];
    for (const [index, node] of [...affected].entries()) {
      if (index % nodesOfStep === 0) yield;
      const name = parseResourceNode(node);
      if (name !== undefined && this.#resources.delete(name)) resources.push(name);
      const cluster = node.startsWith("members ") ? node.slice("members ".length) : undefined;
      if (cluster !== undefined && this.#members.delete(cluster)) clusters.push(cluster);
    }
    return { resources, clusters, defects: this.#defects.splice(0) };
  }

  *#update(change: CompileChange): Steps<Updated> {
    const dirty = new Set<string>();
    const gatewaysBefore = this.gateways();
    const keySetsBefore = this.wantedJwks;
    for (const key of change.removed ?? []) this.#intake.remove(key, dirty);
    for (const [index, object] of (change.upserted ?? []).entries()) {
      if (index % objectsOfStep === 0) yield;
      this.#defects.push(...this.#intake.take(object, dirty));
    }
    yield;
    if (change.registry !== undefined) applyRegistryChange(this.#inputs.registry, change.registry, dirty);
    if (change.gatewayHost !== undefined) {
      this.#inputs.gatewayHost = change.gatewayHost;
      dirty.add(facts.gatewayHost);
    }
    applyKeySets(this.#inputs, change.keySets ?? [], dirty);
    const wantedJwksChanged = this.wantedJwks !== keySetsBefore;
    if (wantedJwksChanged) forgetKeySets(this.#inputs);
    if (change.trust !== undefined) {
      this.#inputs.currentTrust = change.trust;
      dirty.add(facts.trust);
    }
    const statuses: StatusUpdate[] = [];
    const nodes = this.#dependencies.dependants(dirty);
    yield;
    for (const node of [...nodesOf("route", nodes, dirty)].toSorted(compareText)) {
      this.#compileRoute(node, dirty);
      yield;
    }
    for (const object of change.upserted ?? []) {
      const key = keyOf(object);
      this.#intake.judged(keyText(key), !this.isQuarantined(key));
    }
    const affected = this.#dependencies.dependants(dirty);
    this.#inputs.sharedOutbounds.forget(affected);
    for (const node of dirty) {
      const name = parseResourceNode(node);
      if (name !== undefined && this.#resources.has(name)) affected.add(node);
    }
    yield;
    for (const node of [...nodesOf("status", affected, dirty)].toSorted(compareText)) {
      this.#computeStatus(node, statuses);
      yield;
    }
    const gatewaysChanged = !sameList(gatewaysBefore, this.gateways());
    return { affected, statuses, wantedJwksChanged, gatewaysChanged };
  }

  /** Computes it where it was not asked for before, and keeps it up to date from then on. */
  get(name: ResourceName): CompiledResource | undefined {
    const known = this.#resources.get(name);
    if (known !== undefined || this.#resources.has(name)) return known;
    const node = resourceNode(name);
    const resource = this.#attempt(node, (inputs) => compileResource(inputs, name))?.result;
    this.#resources.set(name, resource);
    return resource;
  }

  /** Keys of a cluster's endpoints, sorted; kept up to date from then on. */
  members(cluster: string): readonly string[] {
    const known = this.#members.get(cluster);
    if (known !== undefined) return known;
    const node = `members ${cluster}`;
    const members = this.#attempt(node, (inputs) => compileMembers(inputs, cluster))?.result ?? [];
    this.#members.set(cluster, members);
    return members;
  }

  /** What `get` gives, for somebody who asks once: nothing is kept for it. */
  peek(name: ResourceName): CompiledResource | undefined {
    if (this.#resources.has(name)) return this.#resources.get(name);
    return compileResource(new InputReader(this.#inputs, new Set()), name);
  }

  /** What `members` gives, likewise. */
  peekMembers(cluster: string): readonly string[] {
    return this.#members.get(cluster) ?? compileMembers(new InputReader(this.#inputs, new Set()), cluster);
  }

  /** Who said how requests are carried, the nearest first; nothing is kept for it. */
  peekSettingSources(of: Parameters<typeof settingSourcesOf>[1]): readonly SettingSource[] {
    return settingSourcesOf(new InputReader(this.#inputs, new Set()), of);
  }

  /** Keys of all Gateways of weft's classes, sorted. */
  gateways(): readonly string[] {
    const reader = new InputReader(this.#inputs, new Set());
    const own = [...this.#inputs.gateways].filter(([, gateway]) =>
      reader.isOwnClass(gateway.spec.gatewayClassName),
    );
    return own.map(([path]) => path).toSorted(compareText);
  }

  /** Addresses of the key sets that policies name. The same set for as long as they are the same. */
  get wantedJwks(): ReadonlySet<string> {
    return this.#inputs.security.wantedKeySets;
  }

  /** The stored one, or what holds before anybody wrote one. */
  get meshConfig(): MeshConfig {
    return this.#inputs.meshConfig;
  }

  /** The newest version of the object cannot compile; the last one that could is in force, if there was one. */
  isQuarantined(key: ObjectKey): boolean {
    const text = keyText(key);
    return (
      this.#intake.refused(text) !== undefined ||
      this.#quarantined.has(`route ${text}`) ||
      hasProblem(this.#inputs, key)
    );
  }

  /** Of what is in quarantine, the version that holds; undefined: none does. */
  inForce(key: ObjectKey): Stored | undefined {
    return this.isQuarantined(key) ? this.#intake.inForce(keyText(key)) : undefined;
  }

  /** Nobody asks for it any more. */
  forget(name: ResourceName): void {
    this.#dependencies.forget(resourceNode(name));
    this.#resources.delete(name);
  }

  forgetMembers(cluster: string): void {
    this.#dependencies.forget(`members ${cluster}`);
    this.#members.delete(cluster);
  }

  /** As it was last computed; `object` as `keyText` writes it. */
  statusOf(object: string): StatusUpdate | undefined {
    return this.#statuses.get(`status ${object}`);
  }

  /** Every status as it was last computed, sorted by object: for a first comparison with what is stored. */
  statuses(): StatusUpdate[] {
    return [...this.#statuses].toSorted(([a], [b]) => compareText(a, b)).map(([, status]) => status);
  }

  /** One computation among many: a defect of ours in it must not take the others down. */
  #attempt<T>(node: string, compute: (inputs: InputReader) => T): { readonly result: T } | undefined {
    try {
      return { result: this.#track(node, compute) };
    } catch (error) {
      this.#defects.push(`${node}: ${errorLine(error)}`);
      return undefined;
    }
  }

  #track<T>(node: string, compute: (inputs: InputReader) => T): T {
    const read = new Set<string>();
    try {
      return compute(new InputReader(this.#inputs, read));
    } finally {
      // What failed has read what it failed by: it is computed again once that is another.
      this.#dependencies.record(node, read);
    }
  }

  #compileRoute(node: string, dirty: Set<string>): void {
    const key = node.slice("route ".length);
    // The status is another node's: it depends on the routes of the same parents.
    dirty.add(`status ${key}`);
    const input = this.#inputs.routes.get(key);
    if (input === undefined) {
      this.#dependencies.forget(node);
      this.#inputs.judgedRoutes.delete(key);
      this.#quarantined.delete(node);
      this.#replaceRoute(key, undefined, dirty);
      return;
    }
    const outcome = this.#attempt(node, (inputs) => compileRoute(inputs, input));
    if (outcome?.result.route === undefined) this.#quarantined.add(node);
    else this.#quarantined.delete(node);
    if (outcome === undefined) {
      this.#inputs.judgedRoutes.set(key, failedRoute(input, "the route could not be compiled"));
      return;
    }
    const { route, judged } = outcome.result;
    // An invalid route keeps its last good output.
    const last = route ?? this.#inputs.compiledRoutes.get(key);
    if (last !== undefined) {
      this.#replaceRoute(key, route ?? { ...last, isAccepted: false }, dirty);
    }
    this.#inputs.judgedRoutes.set(key, judged);
  }

  #replaceRoute(key: string, route: CompiledRoute | undefined, dirty: Set<string>): void {
    const before = this.#inputs.compiledRoutes.get(key);
    if (before !== undefined && route !== undefined && Bun.deepEquals(before, route)) return;
    for (const fact of factsOf(before)) {
      const keys = this.#inputs.routesByFact.get(fact);
      keys?.delete(key);
      if (keys?.size === 0) this.#inputs.routesByFact.delete(fact);
      this.#inputs.conflicts.delete(fact);
      dirty.add(fact);
    }
    for (const fact of factsOf(route)) {
      const keys = this.#inputs.routesByFact.get(fact);
      if (keys === undefined) this.#inputs.routesByFact.set(fact, new Set([key]));
      else keys.add(key);
      this.#inputs.conflicts.delete(fact);
      dirty.add(fact);
    }
    if (route === undefined) this.#inputs.compiledRoutes.delete(key);
    else this.#inputs.compiledRoutes.set(key, route);
  }

  #computeStatus(node: string, statuses: StatusUpdate[]): void {
    const text = node.slice("status ".length);
    const [kind = "", name = ""] = text.split(" ");
    const refused = this.#intake.refused(text);
    const outcome = refused ? undefined : this.#attempt(node, (inputs) => computeStatus(inputs, kind, name));
    const object = refused?.object ?? this.#intake.taken(text);
    const status =
      outcome === undefined
        ? object && unreadableStatus(object, refused?.why ?? "it could not be judged")
        : outcome.result;
    if (status !== undefined) {
      this.#setStatus(node, status, statuses);
      return;
    }
    if (!hasObject(this.#inputs, kind, name)) this.#dependencies.forget(node);
    this.#statuses.delete(node);
  }

  #setStatus(node: string, status: StatusUpdate, statuses: StatusUpdate[]): void {
    if (Bun.deepEquals(this.#statuses.get(node), status)) return;
    this.#statuses.set(node, status);
    statuses.push(status);
  }

  #recompute(nodes: ReadonlySet<string>): Pick<CompileOutput, "upserted" | "removed" | "memberships"> {
    const upserted: CompiledResource[] = [];
    const removed: ResourceName[] = [];
    const memberships: string[] = [];
    for (const node of [...nodes].toSorted(compareText)) {
      if (node.startsWith("members ")) {
        const cluster = node.slice("members ".length);
        const members = this.#attempt(node, (inputs) => compileMembers(inputs, cluster))?.result;
        if (members === undefined) continue;
        if (!sameList(members, this.#members.get(cluster) ?? [])) memberships.push(cluster);
        this.#members.set(cluster, members);
        continue;
      }
      const name = parseResourceNode(node);
      if (name === undefined) continue;
      const before = this.#resources.get(name);
      const outcome = this.#attempt(node, (inputs) => compileResource(inputs, name));
      if (outcome === undefined) continue;
      const resource = outcome.result;
      if (resource?.version === before?.version) continue;
      this.#resources.set(name, resource);
      if (resource === undefined) removed.push(name);
      else upserted.push(resource);
    }
    return { upserted, removed, memberships };
  }
}

/** Nodes of one stage: those that depend on something dirty, and those of objects that changed themselves. */
function nodesOf(stage: string, dependants: ReadonlySet<string>, dirty: ReadonlySet<string>): Set<string> {
  const prefix = `${stage} `;
  const found = new Set<string>();
  for (const nodes of [dependants, dirty])
    for (const node of nodes) if (node.startsWith(prefix)) found.add(node);
  return found;
}

function sameList(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((entry, index) => entry === b[index]);
}
