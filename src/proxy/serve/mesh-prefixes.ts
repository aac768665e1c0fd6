/** Whether an address may belong to the mesh at all. One outside never causes a lookup. */
import { parseIp, Prefix } from "../../kernel/index.ts";
import type { Mesh } from "../../model/index.ts";

export class MeshPrefixes {
  #mesh: Mesh | undefined;
  #prefixes: readonly Prefix[] = [];

  /** Prefixes are parsed once per mesh resource, which snapshots share while it does not change. */
  contains(mesh: Mesh, address: string): boolean {
    if (this.#mesh !== mesh) {
      this.#mesh = mesh;
      this.#prefixes = [...mesh.virtualPrefixes, ...mesh.workloadPrefixes]
        .map((text) => Prefix.parse(text))
        .filter((prefix) => prefix !== undefined);
    }
    const bytes = parseIp(address);
    return bytes !== undefined && this.#prefixes.some((prefix) => prefix.contains(bytes));
  }
}
