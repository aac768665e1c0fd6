/** Decides by the roles that the store holds now. Follows the store: a role that was taken away counts from the next request on. */
import type { KindName } from "../../api/index.ts";
import { WeftError } from "../../kernel/index.ts";
import type { Store } from "../../store/index.ts";
import { mastersGroup } from "../authentication/caller.ts";
import { type AccessRequest, accessText, missingRule, type Subject } from "./access-request.ts";
import { type RbacObjects, RoleIndex } from "./role-index.ts";
import { type CompiledRule, compileRule } from "./rules.ts";

const rbacKinds: ReadonlySet<KindName> = new Set<KindName>([
  "Role",
  "ClusterRole",
  "RoleBinding",
  "ClusterRoleBinding",
]);

export interface Decision {
  readonly allowed: boolean;
  /** What allows it, or the rule that is missing. */
  readonly reason: string;
}

export class Authorizer {
  readonly #store: Store;
  #index: RoleIndex | undefined;
  #unwatch: () => void = () => {};

  constructor(store: Store) {
    this.#store = store;
    this.#follow();
  }

  get index(): RoleIndex {
    this.#index ??= new RoleIndex(rbacObjects(this.#store));
    return this.#index;
  }

  decide(subject: Subject, access: AccessRequest): Decision {
    if (isMaster(subject)) return { allowed: true, reason: `group ${mastersGroup} may do everything` };
    const reason = this.index.decide(subject, access);
    if (reason !== undefined) return { allowed: true, reason };
    return { allowed: false, reason: `no role allows it; it needs ${missingRule(access)}` };
  }

  rulesOf(subject: Subject, namespace: string): readonly CompiledRule[] {
    return isMaster(subject) ? everything : this.index.rulesOf(subject, namespace);
  }

  close(): void {
    this.#unwatch();
  }

  #follow(): void {
    this.#index = undefined;
    const unwatch = this.#store.watch(this.#store.sequence, (events) => {
      if (events.some(({ key }) => rbacKinds.has(key.kind))) this.#index = undefined;
    });
    if (unwatch === "gone")
      throw new WeftError("internal", "the store cannot be watched from its newest state");
    this.#unwatch = unwatch;
  }
}

/** Throws `forbidden`, with who, what, where and the rule that would allow it. */
export function requireAllowed(authorizer: Authorizer, subject: Subject, access: AccessRequest): void {
  const { allowed, reason } = authorizer.decide(subject, access);
  if (!allowed) throw denial(subject, access, reason);
}

function denial(subject: Subject, access: AccessRequest, reason: string): WeftError {
  return new WeftError("forbidden", `${subject.user} may not ${accessText(access)}`, { hint: reason });
}

export function isMaster({ groups }: Subject): boolean {
  return groups.includes(mastersGroup);
}

export function isRbacKind(kind: KindName): boolean {
  return rbacKinds.has(kind);
}

const everything = [
  compileRule({ verbs: ["*"], apiGroups: ["*"], resources: ["*"] }),
  compileRule({ verbs: ["*"], nonResourceURLs: ["*"] }),
];

export function rbacObjects(store: Store): RbacObjects {
  return {
    roles: store.list({ kind: "Role" }).items,
    clusterRoles: store.list({ kind: "ClusterRole" }).items,
    roleBindings: store.list({ kind: "RoleBinding" }).items,
    clusterRoleBindings: store.list({ kind: "ClusterRoleBinding" }).items,
  };
}
