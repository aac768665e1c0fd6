/** BackendTLSPolicies by the Services that they target. */
import type { StoredOfKind } from "../api/index.ts";
import { compareAge } from "./object-path.ts";

export type BackendTlsPolicyInput = StoredOfKind<"BackendTLSPolicy">;
export type BackendTlsTarget = BackendTlsPolicyInput["spec"]["targetRefs"][number];

export const backendTlsFacts = {
  policy: (path: string) => `backend-tls-policy:${path}`,
  of: (service: string) => `backend-tls-policies-of:${service}`,
};

/** "namespace/name" of the Services that it targets; what else it targets compiles to nothing. */
function targetedServices({ metadata, spec }: BackendTlsPolicyInput): string[] {
  return spec.targetRefs.flatMap((target) =>
    isServiceTarget(target) ? [`${metadata.namespace}/${target.name}`] : [],
  );
}

export function isServiceTarget({ group, kind }: BackendTlsTarget): boolean {
  return kind === "Service" && (group === "" || group === "core");
}

export class BackendTlsPolicies {
  readonly #byPath = new Map<string, BackendTlsPolicyInput>();
  readonly #byService = new Map<string, Set<string>>();

  get(path: string): BackendTlsPolicyInput | undefined {
    return this.#byPath.get(path);
  }

  /** The older first. */
  of(service: string): BackendTlsPolicyInput[] {
    return [...(this.#byService.get(service) ?? [])]
      .flatMap((path) => this.#byPath.get(path) ?? [])
      .toSorted(compareAge);
  }

  /** Facts of all targets, former and new, are added to `dirty`. */
  set(path: string, policy: BackendTlsPolicyInput, dirty: Set<string>): void {
    this.delete(path, dirty);
    this.#byPath.set(path, policy);
    for (const service of targetedServices(policy)) {
      dirty.add(backendTlsFacts.of(service));
      const paths = this.#byService.get(service);
      if (paths === undefined) this.#byService.set(service, new Set([path]));
      else paths.add(path);
    }
  }

  delete(path: string, dirty: Set<string>): void {
    const known = this.#byPath.get(path);
    this.#byPath.delete(path);
    for (const service of known === undefined ? [] : targetedServices(known)) {
      dirty.add(backendTlsFacts.of(service));
      const paths = this.#byService.get(service);
      paths?.delete(path);
      if (paths?.size === 0) this.#byService.delete(service);
    }
  }
}
