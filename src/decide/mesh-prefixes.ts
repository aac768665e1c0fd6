/** Whether an address may belong to the mesh, or to an external service. One outside never causes a lookup. */
import { parseIp, Prefix, PrefixTable } from "../kernel/index.ts";
import type { Mesh } from "../model/index.ts";

export class MeshPrefixes {
  #mesh: Mesh | undefined;
  #known = new PrefixTable<true>();
  #virtual = new PrefixTable<true>();

  contains(mesh: Mesh, address: string): boolean {
    return has(this.#of(mesh).#known, address);
  }

  /** It is one that the mesh hands out: nobody can be dialled there. */
  isVirtual(mesh: Mesh, address: string): boolean {
    return has(this.#of(mesh).#virtual, address);
  }

  /** Prefixes are parsed once per mesh resource, which snapshots share while it does not change. */
  #of(mesh: Mesh): this {
    if (this.#mesh === mesh) return this;
    this.#mesh = mesh;
    this.#virtual = tableOf(mesh.virtualPrefixes);
    this.#known = tableOf([...mesh.virtualPrefixes, ...mesh.workloadPrefixes, ...mesh.externalPrefixes]);
    return this;
  }
}

function has(table: PrefixTable<true>, address: string): boolean {
  const bytes = parseIp(address);
  return bytes !== undefined && table.has(bytes);
}

function tableOf(texts: readonly string[]): PrefixTable<true> {
  const table = new PrefixTable<true>();
  for (const text of texts) {
    const prefix = Prefix.parse(text);
    if (prefix !== undefined) table.set(prefix, true);
  }
  return table;
}
