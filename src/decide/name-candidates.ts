/** Which full names a queried name may stand for in the mesh, most likely first. Pure. */

export interface NameCandidates {
  /** Full names, without the final dot. */
  readonly candidates: readonly string[];
  /** The name lies in the mesh's own domain: nobody else may answer for it. */
  readonly isOurs: boolean;
}

/** `suffix` is the mesh's domain, "cluster.local"; `namespace` the client's. Names are lower case. */
export function expandName(name: string, namespace: string, suffix: string): NameCandidates {
  const labels = name.split(".");
  if (name === suffix || name.endsWith(`.${suffix}`)) return { candidates: [name], isOurs: true };
  if (labels.at(-1) === "svc" && labels.length >= 3)
    return { candidates: [`${name}.${suffix}`], isOurs: true };
  if (labels.length === 1) return { candidates: [`${name}.${namespace}.svc.${suffix}`], isOurs: false };
  if (labels.length === 2) return { candidates: [`${name}.svc.${suffix}`], isOurs: false };
  return { candidates: [], isOurs: false };
}
