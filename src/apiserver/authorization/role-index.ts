/**
 * Roles and bindings as one decision wants them: by subject, then by namespace. Pure: made anew from the objects when one of
 * them changes, never changed itself.
 */
import {
  labelRequirements,
  matchRequirements,
  type ObjectOfKind,
  type PolicyRule,
  type RbacSubject,
  type RoleRef,
} from "../../api/index.ts";
import type { AccessRequest, Subject } from "./access-request.ts";
import { type CompiledRule, compileRule, isEverything, ruleAllows } from "./rules.ts";

export interface RbacObjects {
  readonly roles: readonly ObjectOfKind<"Role">[];
  readonly clusterRoles: readonly ObjectOfKind<"ClusterRole">[];
  readonly roleBindings: readonly ObjectOfKind<"RoleBinding">[];
  readonly clusterRoleBindings: readonly ObjectOfKind<"ClusterRoleBinding">[];
}

interface Grant {
  /** `ClusterRoleBinding "team"`. */
  readonly binding: string;
  /** `ClusterRole "view"`. */
  readonly role: string;
  readonly rules: readonly CompiledRule[];
}

interface Grants {
  readonly everywhere: Grant[];
  readonly inNamespace: Map<string, Grant[]>;
}

export class RoleIndex {
  readonly #bySubject = new Map<string, Grants>();
  readonly #roles = new Map<string, readonly CompiledRule[]>();
  readonly #administrators: string[] = [];

  constructor(objects: RbacObjects) {
    for (const { metadata, rules } of objects.roles) {
      this.#roles.set(
        roleKey(metadata.namespace, { kind: "Role", name: metadata.name }),
        rules.map(compileRule),
      );
    }
    for (const role of objects.clusterRoles) {
      const rules = rulesOfClusterRole(role, objects.clusterRoles).map(compileRule);
      this.#roles.set(roleKey("", { kind: "ClusterRole", name: role.metadata.name }), rules);
    }
    for (const { metadata, subjects, roleRef } of objects.clusterRoleBindings) {
      const grant = this.#grantOf("ClusterRoleBinding", "", metadata.name, roleRef);
      for (const subject of subjects ?? []) this.#grantsOf(subject).everywhere.push(grant);
      if (grant.rules.some(isEverything) && (subjects ?? []).length > 0)
        this.#administrators.push(metadata.name);
    }
    for (const { metadata, subjects, roleRef } of objects.roleBindings) {
      const { namespace } = metadata;
      const grant = this.#grantOf("RoleBinding", namespace, metadata.name, roleRef);
      for (const subject of subjects ?? []) {
        const { inNamespace } = this.#grantsOf(subject);
        const list = inNamespace.get(namespace);
        if (list === undefined) inNamespace.set(namespace, [grant]);
        else list.push(grant);
      }
    }
  }

  /** Why it is allowed; undefined: nothing allows it. */
  decide(subject: Subject, access: AccessRequest): string | undefined {
    const namespace = access.type === "resource" ? access.namespace : "";
    for (const grant of this.#grants(subject, namespace)) {
      if (grant.rules.some((rule) => ruleAllows(rule, access))) return `${grant.binding} gives ${grant.role}`;
    }
    return undefined;
  }

  /** Everything that the subject may do in a namespace; in "": everywhere. */
  rulesOf(subject: Subject, namespace: string): CompiledRule[] {
    return [...this.#grants(subject, namespace)].flatMap(({ rules }) => rules);
  }

  /** Undefined where there is no such role. `namespace`: of a Role. */
  rulesOfRole(namespace: string, ref: Pick<RoleRef, "kind" | "name">): readonly PolicyRule[] | undefined {
    return this.#roles.get(roleKey(namespace, ref))?.map(({ rule }) => rule);
  }

  /** ClusterRoleBindings that give everything to somebody. */
  get administrators(): readonly string[] {
    return this.#administrators;
  }

  *#grants(subject: Subject, namespace: string): Generator<Grant> {
    for (const key of keysOf(subject)) {
      const grants = this.#bySubject.get(key);
      if (grants === undefined) continue;
      yield* grants.everywhere;
      if (namespace !== "") yield* grants.inNamespace.get(namespace) ?? [];
    }
  }

  #grantOf(kind: string, namespace: string, name: string, ref: RoleRef): Grant {
    return {
      binding: `${kind} "${namespace === "" ? "" : `${namespace}/`}${name}"`,
      role: `${ref.kind} "${ref.name}"`,
      rules: this.#roles.get(roleKey(namespace, ref)) ?? [],
    };
  }

  #grantsOf(subject: RbacSubject): Grants {
    const key = keyOfSubject(subject);
    let grants = this.#bySubject.get(key);
    if (grants === undefined) {
      grants = { everywhere: [], inNamespace: new Map() };
      this.#bySubject.set(key, grants);
    }
    return grants;
  }
}

function rulesOfClusterRole(
  role: ObjectOfKind<"ClusterRole">,
  roles: readonly ObjectOfKind<"ClusterRole">[],
): readonly PolicyRule[] {
  const selectors = role.aggregationRule?.clusterRoleSelectors;
  if (selectors === undefined) return role.rules;
  const requirements = selectors.map(labelRequirements);
  return roles
    .filter(({ aggregationRule }) => aggregationRule === undefined)
    .filter(({ metadata }) => requirements.some((each) => matchRequirements(each, metadata.labels)))
    .flatMap(({ rules }) => rules);
}

function roleKey(namespace: string, { kind, name }: Pick<RoleRef, "kind" | "name">): string {
  return kind === "ClusterRole" ? `ClusterRole ${name}` : `Role ${namespace}/${name}`;
}

function keyOfSubject({ kind, namespace, name }: RbacSubject): string {
  return kind === "ServiceAccount" ? `ServiceAccount ${namespace ?? ""}/${name}` : `${kind} ${name}`;
}

function keysOf({ user, groups, serviceAccount }: Subject): string[] {
  const account = serviceAccount === undefined ? [] : [`ServiceAccount ${serviceAccount}`];
  return [`User ${user}`, ...account, ...groups.map((group) => `Group ${group}`)];
}
