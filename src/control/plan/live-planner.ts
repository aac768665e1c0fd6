/**
 * Plans of a running mesh, and what its configuration was at other revisions. Keeps a second compiled mesh beside the one that is in force, made with the first plan, brought up
 * to date with each, and let go when nobody has asked for a while. One plan at a time, in slices, so that proxies and
 * the API wait for none.
 */
import {
  type ApiObject,
  type EffectiveDiff,
  keyOf,
  kindNames,
  type KindName,
  type PlanReport,
  type SimulatedRequest,
  type Stored,
} from "../../api/index.ts";
import type { EffectiveQuestion, PlannedChange, PlanProvider } from "../../apiserver/index.ts";
import type { SubscriptionCore } from "../../distribute/index.ts";
import {
  type Clock,
  nextTurn,
  runSteps,
  type Steps,
  type Timer,
  Turns,
  WeftError,
} from "../../kernel/index.ts";
import { inboundKey, meshKey } from "../../model/index.ts";
import type { Registry } from "../../registry/index.ts";
import {
  compareConfigurations,
  type MeshSurroundings,
  planChange,
  type PlannedProxy,
  type PlannedRequest,
  proposedVersion,
  type Simulate,
  TrackedMesh,
} from "../../simulate/index.ts";
import type { Change, Store } from "../../store/index.ts";
import { changesOf, objectsBefore } from "./past-objects.ts";

export interface LivePlannerOptions {
  readonly store: Store;
  readonly registry: Registry;
  readonly core: SubscriptionCore;
  readonly trustDomain: string;
  /** Key sets, where gateways are served, and who is trusted, as the compiler in force has them. */
  readonly surroundings: () => MeshSurroundings;
  readonly simulatorOf: (mesh: TrackedMesh) => Simulate;
  /** Requests that are known of without anybody giving them. */
  readonly recentRequests: () => readonly PlannedRequest[];
  readonly plaintextCallers: () => ReadonlySet<string>;
  readonly clock: Clock;
}

/** Plans that wait for the one that is made. */
const maxWaiting = 16;
/** The second mesh costs as much memory as the first. */
const idleMs = 120_000;
/** Commits that may come between two readings of the history. */
const maxReadings = 10;
/** Secrets compile to nothing that is told, and roles to nothing at all. */
const unread: ReadonlySet<KindName> = new Set(["Role", "ClusterRole", "RoleBinding", "ClusterRoleBinding"]);

export class LivePlanner implements PlanProvider {
  readonly #options: LivePlannerOptions;
  #mesh: TrackedMesh | undefined;
  readonly #turns = new Turns({ max: maxWaiting, what: "plans" });
  #idle: Timer | undefined;

  constructor(options: LivePlannerOptions) {
    this.#options = options;
  }

  async plan(change: PlannedChange, traffic: readonly SimulatedRequest[] | undefined): Promise<PlanReport> {
    return this.#turns.take(() => this.#onMesh((mesh) => this.#plan(mesh, change, traffic)));
  }

  async compare(question: EffectiveQuestion): Promise<EffectiveDiff | "gone"> {
    return this.#turns.take(() => this.#compare(question));
  }

  /** The second mesh is there. */
  get isHolding(): boolean {
    return this.#mesh !== undefined;
  }

  close(): void {
    this.#idle?.cancel();
    this.#mesh = undefined;
  }

  async #onMesh<T>(work: (mesh: TrackedMesh) => Promise<T>): Promise<T> {
    const { registry, trustDomain, clock } = this.#options;
    this.#idle?.cancel();
    this.#mesh ??= new TrackedMesh({
      trustDomain,
      healthOf: (workload) => registry.views.workload(workload)?.health ?? "live",
    });
    try {
      return await work(this.#mesh);
    } catch (error) {
      // Whatever went wrong may have left it between two states.
      this.#mesh = undefined;
      throw error;
    } finally {
      this.#idle = clock.after(idleMs, () => {
        this.#mesh = undefined;
      });
    }
  }

  async #plan(
    mesh: TrackedMesh,
    change: PlannedChange,
    traffic: readonly SimulatedRequest[] | undefined,
  ): Promise<PlanReport> {
    const { registry, core, store } = this.#options;
    const { revision } = store;
    await this.#sync(mesh, this.#objects());
    return run(
      planChange({
        mesh,
        changes: { upserted: await run(this.#proposed(mesh, change.upserted)), removed: change.removed },
        outcomes: change.results,
        proxies: proxiesOf(core, registry),
        requests: traffic?.map((request) => ({ request, count: 1 })) ?? this.#options.recentRequests(),
        simulatorOf: this.#options.simulatorOf,
        plaintextCallers: this.#options.plaintextCallers(),
        revision,
      }),
    );
  }

  /** The mesh goes back to the one revision; proxies, what they dial and who is alive are those of now. */
  async #compare({ from, to, workload }: EffectiveQuestion): Promise<EffectiveDiff | "gone"> {
    const { registry, core, store } = this.#options;
    const proxies = proxiesOf(core, registry).filter(
      ({ name }) => workload === undefined || name === workload,
    );
    if (workload !== undefined && proxies.length === 0)
      throw new WeftError("not_found", `there is no proxy of ${workload}`, {
        hint: "weft status lists them",
      });
    const between = await store.changesBetween(Math.min(from, to), Math.max(from, to));
    const since = await this.#changesSince(from);
    if (between === "gone" || since === "gone") return "gone";
    return this.#onMesh(async (mesh) => {
      await this.#sync(mesh, objectsBefore(this.#objects(), since, isRead));
      const changes = changesOf(between, from > to, isRead);
      return { from, to, ...(await run(compareConfigurations(mesh, changes, proxies))) };
    });
  }

  /** Up to the very revision that the store is at when this is done. */
  async #changesSince(revision: number): Promise<readonly Change[] | "gone"> {
    const { store } = this.#options;
    for (let reading = 1; ; reading++) {
      const now = store.revision;
      const changes = await store.changesBetween(revision, now);
      if (store.revision === now) return changes;
      if (reading === maxReadings)
        throw new WeftError("unavailable", "the configuration does not come to rest");
    }
  }

  #sync(mesh: TrackedMesh, objects: readonly Stored[]): Promise<void> {
    return run(mesh.sync(objects, this.#options.surroundings()));
  }

  *#proposed(mesh: TrackedMesh, written: readonly ApiObject[]): Steps<Stored[]> {
    const nowMs = this.#options.clock.nowMs();
    const proposed: Stored[] = [];
    for (const object of written) {
      proposed.push(proposedVersion(object, mesh.object(keyOf(object)), nowMs));
      yield;
    }
    return proposed;
  }

  #objects(): Stored[] {
    return kindNames.flatMap((kind): readonly Stored[] =>
      isRead(kind) ? this.#options.store.list({ kind }).items : [],
    );
  }
}

function isRead(kind: KindName): boolean {
  return !unread.has(kind);
}

function run<T>(steps: Steps<T>): Promise<T> {
  return runSteps(steps, nextTurn);
}

/** Connected ones with what they asked for; of others what they will have for certain. */
function proxiesOf(core: SubscriptionCore, registry: Registry): PlannedProxy[] {
  const connected = core
    .subscriptions()
    .map(({ identity, roots }): PlannedProxy => ({ role: identity.role, name: identity.workload, roots }));
  const known = new Set(connected.map(({ name }) => name));
  const away = [...registry.views.workloads()].flatMap(({ path, namespace, name, tunnel }): PlannedProxy[] =>
    tunnel.kind === "none" || known.has(path)
      ? []
      : [
          {
            role: "sidecar",
            name: path,
            roots: [
              { kind: "Mesh", key: meshKey },
              { kind: "Inbound", key: inboundKey(namespace, name) },
            ],
          },
        ],
  );
  return [...connected, ...away];
}
