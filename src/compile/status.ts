/**
 * Conditions as compile finds them, without a time, and the step that puts them into an object's status. A status is
 * written on transitions only: a merge that changes nothing says so.
 */

import type { PolicyKind } from "./policy/policy-input.ts";
import type { RouteKind } from "./route-input.ts";
import type { SecurityKind } from "./security/security-input.ts";

export interface ComputedCondition {
  readonly type: string;
  readonly status: "True" | "False" | "Unknown";
  readonly reason: string;
  readonly message: string;
}

export function condition(type: string, holds: boolean, reason: string, message: string): ComputedCondition {
  return { type, status: holds ? "True" : "False", reason, message };
}

interface StoredCondition extends ComputedCondition {
  readonly observedGeneration?: number;
  readonly lastTransitionTime: string;
}

export interface ComputedParentStatus {
  /** As the route writes it. */
  readonly parentRef: Readonly<Record<string, unknown>>;
  readonly conditions: readonly ComputedCondition[];
}

export interface ComputedAncestorStatus {
  readonly ancestorRef: Readonly<Record<string, unknown>>;
  readonly conditions: readonly ComputedCondition[];
}

export interface ComputedListenerStatus {
  readonly name: string;
  readonly attachedRoutes: number;
  readonly supportedKinds: readonly { readonly group: string; readonly kind: string }[];
  readonly conditions: readonly ComputedCondition[];
}

type ComputedStatus =
  | { readonly kind: "conditions"; readonly conditions: readonly ComputedCondition[] }
  | { readonly kind: "route"; readonly parents: readonly ComputedParentStatus[] }
  | { readonly kind: "policy"; readonly ancestors: readonly ComputedAncestorStatus[] }
  | {
      readonly kind: "class";
      readonly conditions: readonly ComputedCondition[];
      /** Names, in ascending order. */
      readonly supportedFeatures: readonly string[];
    }
  | {
      /** Of a Gateway or a ListenerSet. */
      readonly kind: "gateway";
      readonly conditions: readonly ComputedCondition[];
      readonly listeners: readonly ComputedListenerStatus[];
      /** Absent: what is stored stays. */
      readonly addresses?: readonly { readonly type: string; readonly value: string }[];
      readonly attachedListenerSets?: number;
    };

export interface StatusUpdate {
  readonly kind:
    | RouteKind
    | PolicyKind
    | SecurityKind
    | "BackendTLSPolicy"
    | "TelemetryPolicy"
    | "MeshConfig"
    | "ExternalService"
    | "Gateway"
    | "ListenerSet"
    | "GatewayClass";
  readonly namespace: string;
  readonly name: string;
  /** The generation of the object that the status was computed from. */
  readonly observedGeneration: number;
  readonly status: ComputedStatus;
}

/**
 * The status to write, or undefined where `stored` says the same already. Route parents of other controllers are
 * kept as they are.
 */
export function mergeStatus(
  stored: unknown,
  update: StatusUpdate,
  controllerName: string,
  now: string,
): Record<string, unknown> | undefined {
  const before = isRecord(stored) ? stored : {};
  const merged = { ...before, ...newFields(before, update, controllerName, now) };
  return Bun.deepEquals(merged, before) ? undefined : merged;
}

function newFields(
  before: Readonly<Record<string, unknown>>,
  update: StatusUpdate,
  controllerName: string,
  now: string,
): Record<string, unknown> {
  const merge = (old: unknown, computed: readonly ComputedCondition[]) =>
    mergeConditions(old, computed, update.observedGeneration, now);
  const status = update.status;
  switch (status.kind) {
    case "conditions":
      return { conditions: merge(before["conditions"], status.conditions) };
    case "class":
      return {
        conditions: merge(before["conditions"], status.conditions),
        supportedFeatures: status.supportedFeatures.map((name) => ({ name })),
      };
    case "gateway": {
      const old = recordsOf(before["listeners"]);
      const { addresses, attachedListenerSets } = status;
      return {
        conditions: merge(before["conditions"], status.conditions),
        ...(addresses === undefined ? {} : { addresses }),
        ...(attachedListenerSets === undefined ? {} : { attachedListenerSets }),
        listeners: status.listeners.map((listener) => ({
          ...listener,
          conditions: merge(
            old.find((entry) => entry["name"] === listener.name)?.["conditions"],
            listener.conditions,
          ),
        })),
      };
    }
    case "route": {
      const parents = status.parents.map(({ parentRef, conditions }) => ({ ref: parentRef, conditions }));
      return { parents: mergeReferences(before["parents"], "parentRef", parents) };
    }
    case "policy": {
      const ancestors = status.ancestors.map(({ ancestorRef, conditions }) => ({
        ref: ancestorRef,
        conditions,
      }));
      return { ancestors: mergeReferences(before["ancestors"], "ancestorRef", ancestors) };
    }
  }

  /** Entries of other controllers stay. */
  function mergeReferences(
    stored: unknown,
    name: "parentRef" | "ancestorRef",
    computed: readonly { readonly ref: object; readonly conditions: readonly ComputedCondition[] }[],
  ): object[] {
    const old = recordsOf(stored);
    const own = computed.map(({ ref, conditions }) => ({
      [name]: ref,
      controllerName,
      conditions: merge(
        old.find((entry) => entry["controllerName"] === controllerName && Bun.deepEquals(entry[name], ref))?.[
          "conditions"
        ],
        conditions,
      ),
    }));
    return [...old.filter((entry) => entry["controllerName"] !== controllerName), ...own];
  }
}

function mergeConditions(
  stored: unknown,
  computed: readonly ComputedCondition[],
  observedGeneration: number,
  now: string,
): (StoredCondition | ForeignCondition)[] {
  const old = recordsOf(stored);
  const own = computed.map((condition) => {
    const previous = old.find((entry) => entry["type"] === condition.type);
    const since = previous?.["status"] === condition.status ? previous["lastTransitionTime"] : undefined;
    return {
      type: condition.type,
      status: condition.status,
      reason: condition.reason,
      message: condition.message,
      observedGeneration,
      lastTransitionTime: typeof since === "string" ? since : now,
    };
  });
  // Gateway API: what others have found is theirs to take back.
  const foreign = old.filter(isForeign).slice(0, Math.max(0, maxConditions - own.length));
  return [...own, ...foreign];
}

/** With one more condition: at each parent of a route, at each ancestor of a policy. */
export function withCondition(update: StatusUpdate, added: ComputedCondition): StatusUpdate {
  const { status } = update;
  const and = <T extends { readonly conditions: readonly ComputedCondition[] }>(of: T): T => ({
    ...of,
    conditions: [...of.conditions, added],
  });
  switch (status.kind) {
    case "route":
      return { ...update, status: { ...status, parents: status.parents.map(and) } };
    case "policy":
      return { ...update, status: { ...status, ancestors: status.ancestors.map(and) } };
    case "conditions":
    case "class":
    case "gateway":
      return { ...update, status: and(status) };
  }
}

/** Kubernetes' bound. */
const maxConditions = 8;

/** Types that weft sets itself, now or at another time: one that is missing now does not hold any more. */
const ownTypes: ReadonlySet<string> = new Set([
  "Accepted",
  "Conflicted",
  "InsecureFrontendValidationMode",
  "OverlappingTLSConfig",
  "PartiallyInvalid",
  "Programmed",
  "ResolvedRefs",
  "SupportedVersion",
  "weft.dev/InForce",
]);

function isForeign(condition: Readonly<Record<string, unknown>>): condition is ForeignCondition {
  const { type } = condition;
  return typeof type === "string" && !ownTypes.has(type);
}

type ForeignCondition = Readonly<Record<string, unknown>> & { readonly type: string };

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function recordsOf(value: unknown): readonly Readonly<Record<string, unknown>>[] {
  return Array.isArray(value) ? value.filter(isRecord) : [];
}
