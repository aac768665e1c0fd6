/** How an object is named among those of its kind, and which of two came first. */
import { compareText } from "./resource.ts";

interface Named {
  readonly metadata: { readonly namespace: string; readonly name: string };
}

interface Aged extends Named {
  readonly metadata: Named["metadata"] & { readonly creationTimestamp: string };
}

/** "namespace/name". */
export function pathOf({ metadata: { namespace, name } }: Named): string {
  return `${namespace}/${name}`;
}

/** GEP-713: of objects that want the same the older wins, then the first by name. */
export function compareAge(a: Aged, b: Aged): number {
  return (
    compareText(a.metadata.creationTimestamp, b.metadata.creationTimestamp) ||
    compareText(pathOf(a), pathOf(b))
  );
}
