/** Closures of resources, taken together. */
import type { Closure } from "./resource-source.ts";

export function isEmptyClosure({ clusters, certificates }: Closure): boolean {
  return clusters.length === 0 && certificates.length === 0;
}

export function unionOf(a: Closure, b: Closure): Closure {
  return {
    clusters: [...new Set([...a.clusters, ...b.clusters])],
    certificates: [...new Set([...a.certificates, ...b.certificates])],
  };
}
