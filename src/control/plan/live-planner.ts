/**
 * Plans of a running mesh. Keeps a second compiled mesh beside the one that is in force, made with the first plan, brought up
 * to date with each, and let go when nobody has asked for a while. One plan at a time, in slices, so that proxies and
 * the API wait for none.
 */
import {
  kindNames,
  type KindName,
  type ObjectKey,
  type PlanReport,
  type SimulatedRequest,
  type Stored,
} from "../../api/index.ts";
import type { PlannedChange, PlanProvider } from "../../apiserver/index.ts";
import type { SubscriptionCore } from "../../distribute/index.ts";
import { type Clock, type Timer, WeftError } from "../../kernel/index.ts";
import { inboundKey, meshKey } from "../../model/index.ts";
import type { Registry } from "../../registry/index.ts";
import {
  type MeshSurroundings,
  nextTurn,
  planChange,
  type PlannedProxy,
  type PlannedRequest,
  proposedVersion,
  runSteps,
  type Simulate,
  TrackedMesh,
} from "../../simulate/index.ts";
import type { Store } from "../../store/index.ts";

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
/** Secrets compile to nothing that is told, and roles to nothing at all. */
const unread: ReadonlySet<KindName> = new Set(["Role", "ClusterRole", "RoleBinding", "ClusterRoleBinding"]);

export class LivePlanner implements PlanProvider {
  readonly #options: LivePlannerOptions;
  #mesh: TrackedMesh | undefined;
  #tail: Promise<unknown> = Promise.resolve();
  #waiting = 0;
  #idle: Timer | undefined;

  constructor(options: LivePlannerOptions) {
    this.#options = options;
  }

  async plan(change: PlannedChange, traffic: readonly SimulatedRequest[] | undefined): Promise<PlanReport> {
    if (this.#waiting >= maxWaiting)
      throw new WeftError("exhausted", `${maxWaiting} plans are waiting already`);
    this.#waiting++;
    const result = this.#tail.then(() => this.#plan(change, traffic));
    this.#tail = result.catch(() => {});
    try {
      return await result;
    } finally {
      this.#waiting--;
    }
  }

  close(): void {
    this.#idle?.cancel();
    this.#mesh = undefined;
  }

  async #plan(change: PlannedChange, traffic: readonly SimulatedRequest[] | undefined): Promise<PlanReport> {
    const { registry, core, trustDomain, clock } = this.#options;
    this.#idle?.cancel();
    this.#mesh ??= new TrackedMesh({
      trustDomain,
      healthOf: (workload) => registry.views.workload(workload)?.health ?? "live",
    });
    const mesh = this.#mesh;
    try {
      const { revision } = this.#options.store;
      await runSteps(mesh.sync(this.#objects(), this.#options.surroundings()), nextTurn);
      const nowMs = clock.nowMs();
      const report = await runSteps(
        planChange({
          mesh,
          changes: {
            upserted: change.upserted.map((object) => proposedVersion(object, this.#stored(object), nowMs)),
            removed: change.removed,
          },
          outcomes: change.results,
          proxies: proxiesOf(core, registry),
          requests: traffic?.map((request) => ({ request, count: 1 })) ?? this.#options.recentRequests(),
          simulatorOf: this.#options.simulatorOf,
          plaintextCallers: this.#options.plaintextCallers(),
          revision,
        }),
        nextTurn,
      );
      return report;
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

  #stored({
    kind,
    metadata,
  }: {
    readonly kind: KindName;
    readonly metadata: { readonly name: string; readonly namespace?: string };
  }): Stored | undefined {
    const key: ObjectKey = { kind, namespace: metadata.namespace ?? "", name: metadata.name };
    return this.#options.store.get(key);
  }

  #objects(): Stored[] {
    return kindNames.flatMap((kind): readonly Stored[] =>
      unread.has(kind) ? [] : this.#options.store.list({ kind }).items,
    );
  }
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
