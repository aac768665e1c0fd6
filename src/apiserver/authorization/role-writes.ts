/**
 * What a write to roles and bindings must fulfil besides the right to write them. Nobody gives away what they do not have
 * (as in Kubernetes: unless they may `escalate` the role or `bind` it), and nobody shuts the last administrator or themselves out unasked.
 */
import {
  type ApiObject,
  type KindName,
  kinds,
  type ObjectKey,
  type PolicyRule,
  type Stored,
} from "../../api/index.ts";
import type { Store } from "../../store/index.ts";
import type { AccessRequest, Subject } from "./access-request.ts";
import { type Authorizer, isMaster, rbacObjects } from "./authorizer.ts";
import { type RbacObjects, RoleIndex } from "./role-index.ts";
import { type CompiledRule, covers } from "./rules.ts";

export interface PlannedWrite {
  readonly key: ObjectKey;
  readonly existing: Stored | undefined;
  /** Undefined: it is deleted. */
  readonly object: ApiObject | undefined;
  /** Nobody named it: it goes with its namespace. */
  readonly isImplied: boolean;
}

export interface RoleWrites {
  readonly authorizer: Authorizer;
  readonly subject: Subject;
  readonly writes: readonly PlannedWrite[];
  /** How things would stand after all of the writes. */
  readonly after: RoleIndex;
}

export function indexAfter(store: Store, writes: readonly PlannedWrite[]): RoleIndex {
  return new RoleIndex(overlaid(rbacObjects(store), writes));
}

/** Why the subject may not make this write; undefined: they may. */
export function escalation(
  { authorizer, subject, after }: RoleWrites,
  write: PlannedWrite,
): string | undefined {
  const { object, existing, key } = write;
  if (object === undefined || isMaster(subject)) return undefined;
  const may = (verb: string, access: Pick<ObjectKey, "kind" | "namespace" | "name">): boolean =>
    authorizer.decide(subject, accessOf(verb, access)).allowed;
  const owned = authorizer.rulesOf(subject, key.namespace);
  switch (object.kind) {
    case "Role":
    case "ClusterRole": {
      if (existing !== undefined && sameRole(existing, object)) return undefined;
      if (may("escalate", key)) return undefined;
      const isAggregated = object.kind === "ClusterRole" && object.aggregationRule !== undefined;
      return uncovered(owned, isAggregated ? everythingRules : object.rules, `${object.kind} ${key.name}`);
    }
    case "RoleBinding":
    case "ClusterRoleBinding": {
      if (existing !== undefined && sameBinding(existing, object)) return undefined;
      const { kind, name } = object.roleRef;
      if (may("bind", { kind, namespace: kind === "Role" ? key.namespace : "", name })) return undefined;
      const rules = after.rulesOfRole(key.namespace, object.roleRef);
      if (rules === undefined)
        return `${kind} ${name} does not exist; only who may bind it can bind it beforehand`;
      return uncovered(owned, rules, `${kind} ${name}`);
    }
    default:
      return undefined;
  }
}

/** What the writes would shut out; undefined: nobody. */
export function lockout({ authorizer, subject, writes, after }: RoleWrites): string | undefined {
  if (authorizer.index.administrators.length > 0 && after.administrators.length === 0) {
    return "after this no role would give anybody all rights";
  }
  if (isMaster(subject)) return undefined;
  const bindings: readonly KindName[] = ["ClusterRoleBinding", "RoleBinding"];
  const namespaces = new Set(["", ...writes.map(({ key }) => key.namespace)]);
  for (const namespace of namespaces) {
    for (const kind of bindings) {
      const access = accessOf("update", { kind, namespace, name: "" });
      if (!authorizer.decide(subject, access).allowed || after.decide(subject, access) !== undefined)
        continue;
      const where = namespace === "" ? "" : ` in namespace ${namespace}`;
      return `after this ${subject.user} could no longer change ${kinds[kind].plural}${where}`;
    }
  }
  return undefined;
}

function accessOf(verb: string, { kind, namespace, name }: ObjectKey): AccessRequest {
  const { group, plural } = kinds[kind];
  return { type: "resource", verb, group, resource: plural, subresource: "", namespace, name };
}

const everythingRules: readonly PolicyRule[] = [
  { verbs: ["*"], apiGroups: ["*"], resources: ["*"] },
  { verbs: ["*"], nonResourceURLs: ["*"] },
];

function uncovered(
  owned: readonly CompiledRule[],
  rules: readonly PolicyRule[],
  role: string,
): string | undefined {
  const missing = rules.find((rule) => !covers(owned, rule));
  if (missing === undefined) return undefined;
  return `${role} would give what you do not have: ${JSON.stringify(missing)}`;
}

/** Labels count: by them a role's rules come into an aggregated one. */
function sameRole(existing: ApiObject, object: ApiObject): boolean {
  const of = (role: ApiObject): unknown =>
    role.kind === "ClusterRole"
      ? [role.rules, role.aggregationRule, role.metadata.labels ?? {}]
      : role.kind === "Role"
        ? role.rules
        : undefined;
  return Bun.deepEquals(of(existing), of(object));
}

function sameBinding(existing: ApiObject, object: ApiObject): boolean {
  const of = (binding: ApiObject): unknown =>
    binding.kind === "RoleBinding" || binding.kind === "ClusterRoleBinding"
      ? [binding.roleRef, binding.subjects ?? []]
      : undefined;
  return Bun.deepEquals(of(existing), of(object));
}

function overlaid(objects: RbacObjects, writes: readonly PlannedWrite[]): RbacObjects {
  const changed = new Set(writes.map(({ key }) => `${key.kind} ${key.namespace}/${key.name}`));
  const after = writes.flatMap(({ object }) => object ?? []);
  const merge = <T extends ApiObject>(
    before: readonly T[],
    isOne: (object: ApiObject) => object is T,
  ): T[] => [
    ...before.filter(
      ({ kind, metadata }) => !changed.has(`${kind} ${metadata.namespace ?? ""}/${metadata.name}`),
    ),
    ...after.filter(isOne),
  ];
  return {
    roles: merge(objects.roles, (object) => object.kind === "Role"),
    clusterRoles: merge(objects.clusterRoles, (object) => object.kind === "ClusterRole"),
    roleBindings: merge(objects.roleBindings, (object) => object.kind === "RoleBinding"),
    clusterRoleBindings: merge(objects.clusterRoleBindings, (object) => object.kind === "ClusterRoleBinding"),
  };
}
