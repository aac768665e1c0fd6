/** What a simulation is made of, and what it answers about the whole configuration. */
import type { ApiObject, ObjectKey, Stored } from "../api/index.ts";
import type { GatewayHost, KeySetChange } from "../compile/index.ts";
import type { ModelKind } from "../model/index.ts";
import type { WorkloadHealth } from "../registry/index.ts";

/** Who is alive. Offline nobody knows, and everybody is taken to be. */
export interface EndpointHealthView {
  /** `workload` is "namespace/name". */
  healthOf(workload: string): WorkloadHealth;
}

/** Where an object was read from or when it was last changed. */
export interface ObjectOrigin {
  readonly revision?: number;
  readonly file?: string;
  /** Line of a field, "spec.rules[2]"; of the object's start where the path is empty. */
  readonly lineOf?: (path: string) => number;
}

export interface SimulationInput {
  readonly objects: readonly Stored[];
  readonly trustDomain: string;
  /** Unix time. Faults expire by it, tokens and conditions are judged by it. */
  readonly nowMs: number;
  /** Issuers' keys. Without them a token's signature is not checked, and the explanation says so. */
  readonly keySets?: readonly KeySetChange[];
  readonly health?: EndpointHealthView;
  readonly gatewayHost?: GatewayHost;
  /** Undefined: nothing is known of the object. */
  readonly originOf?: (key: ObjectKey) => ObjectOrigin | undefined;
  /** Of the configuration; absent: files. */
  readonly revision?: number;
}

export interface MeshChanges {
  readonly upserted?: readonly ApiObject[];
  readonly removed?: readonly ObjectKey[];
}

/** A condition of an object's status that says that something is not as its author meant it. */
export interface MeshProblem {
  readonly object: ObjectKey;
  /** "Accepted", "ResolvedRefs", … */
  readonly type: string;
  readonly reason: string;
  readonly message: string;
  /** The object's newest version is not in force; an older one may be. */
  readonly isQuarantined: boolean;
}

export interface EffectiveResource {
  readonly kind: ModelKind;
  readonly key: string;
  /** Of its content: equal versions are equal resources. */
  readonly version: string;
  /** The message as protobuf writes JSON, without keys and passwords. */
  readonly json: unknown;
}

/** Everything that a workload's proxy (or a Gateway's) would have. Sorted by kind and key. */
export interface EffectiveConfiguration {
  readonly resources: readonly EffectiveResource[];
}
