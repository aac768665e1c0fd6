/** ListenerSets by their own names and by the Gateways that they name. */
import { gatewayGroup } from "../api/index.ts";
import type { ListenerSetInput } from "./gateway-input.ts";

/** "namespace/name" of the Gateway; undefined: what the set refers to is none. */
export function parentOfSet({ metadata, spec }: ListenerSetInput): string | undefined {
  const { group, kind, name, namespace } = spec.parentRef;
  if (kind !== "Gateway" || group !== gatewayGroup) return undefined;
  return `${namespace ?? metadata.namespace}/${name}`;
}

export class ListenerSets {
  readonly #sets = new Map<string, ListenerSetInput>();
  readonly #byGateway = new Map<string, Map<string, ListenerSetInput>>();

  get(path: string): ListenerSetInput | undefined {
    return this.#sets.get(path);
  }

  /** In no particular order. */
  of(gateway: string): ListenerSetInput[] {
    return [...(this.#byGateway.get(gateway)?.values() ?? [])];
  }

  set(path: string, set: ListenerSetInput): void {
    this.delete(path);
    this.#sets.set(path, set);
    const parent = parentOfSet(set);
    if (parent === undefined) return;
    const siblings = this.#byGateway.get(parent);
    if (siblings === undefined) this.#byGateway.set(parent, new Map([[path, set]]));
    else siblings.set(path, set);
  }

  delete(path: string): void {
    const before = this.#sets.get(path);
    if (before === undefined) return;
    this.#sets.delete(path);
    const parent = parentOfSet(before);
    if (parent === undefined) return;
    const siblings = this.#byGateway.get(parent);
    siblings?.delete(path);
    if (siblings?.size === 0) this.#byGateway.delete(parent);
  }
}
