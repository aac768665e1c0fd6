/** Resources that somebody asked for, by kind and then by key: a look-up builds no text. */
import type { ModelKind } from "../model/index.ts";
import type { CompiledResource, ResourceName } from "./resource.ts";

export class ResourceTable {
  readonly #kinds = new Map<ModelKind, Map<string, CompiledResource | undefined>>();

  /** Undefined: not there, or not asked for; `has` tells which. */
  get({ kind, key }: ResourceName): CompiledResource | undefined {
    return this.#kinds.get(kind)?.get(key);
  }

  has({ kind, key }: ResourceName): boolean {
    return this.#kinds.get(kind)?.has(key) === true;
  }

  set({ kind, key }: ResourceName, resource: CompiledResource | undefined): void {
    const table = this.#kinds.get(kind);
    if (table === undefined) this.#kinds.set(kind, new Map([[key, resource]]));
    else table.set(key, resource);
  }

  delete({ kind, key }: ResourceName): boolean {
    return this.#kinds.get(kind)?.delete(key) === true;
  }
}
