/** ReferenceGrants by the namespace that they stand in. */
import type { StoredOfKind } from "../api/index.ts";

type GrantInput = StoredOfKind<"ReferenceGrant">;

export interface Referrer {
  readonly group: string;
  readonly kind: string;
  readonly namespace: string;
}

export interface Referent extends Referrer {
  readonly name: string;
}

export class Grants {
  readonly #byNamespace = new Map<string, Map<string, GrantInput["spec"]>>();

  set({ metadata: { namespace, name }, spec }: GrantInput): void {
    const existing = this.#byNamespace.get(namespace);
    if (existing === undefined) this.#byNamespace.set(namespace, new Map([[name, spec]]));
    else existing.set(name, spec);
  }

  delete(namespace: string, name: string): void {
    const grants = this.#byNamespace.get(namespace);
    grants?.delete(name);
    if (grants?.size === 0) this.#byNamespace.delete(namespace);
  }

  permit(from: Referrer, to: Referent): boolean {
    const grants = this.#byNamespace.get(to.namespace)?.values() ?? [];
    for (const grant of grants) {
      const isFrom = grant.from.some(
        (each) =>
          each.kind === from.kind && sameGroup(each.group, from.group) && each.namespace === from.namespace,
      );
      const isTo = grant.to.some(
        (each) =>
          each.kind === to.kind &&
          sameGroup(each.group, to.group) &&
          (each.name === undefined || each.name === to.name),
      );
      if (isFrom && isTo) return true;
    }
    return false;
  }
}

/** The core group is written "" by Kubernetes and "core" by some. */
function sameGroup(a: string, b: string): boolean {
  return a === b || (a === "core" && b === "") || (a === "" && b === "core");
}
