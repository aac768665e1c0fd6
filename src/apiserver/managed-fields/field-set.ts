/**
 * A set of fields of an object, as Kubernetes' `fieldsV1` has it: a tree whose edges are path elements (`f:spec`, `v:"a"`,
 * `k:{"port":80}`). A node may be a member itself, have members below it, or both. PURE; sets are never changed.
 */

export interface FieldSet {
  readonly isMember: boolean;
  readonly children: ReadonlyMap<string, FieldSet>;
}

const none: ReadonlyMap<string, FieldSet> = new Map();
export const noFields: FieldSet = { isMember: false, children: none };
/** The place itself, as a whole. */
export const wholeField: FieldSet = { isMember: true, children: none };

export function fieldSet(isMember: boolean, children: Iterable<readonly [string, FieldSet]>): FieldSet {
  const kept = new Map<string, FieldSet>();
  for (const [element, child] of children) if (!isEmpty(child)) kept.set(element, child);
  return { isMember, children: kept };
}

/** The set with just this path. */
export function pathSet(path: readonly string[]): FieldSet {
  return path.toReversed().reduce((below, element) => fieldSet(false, [[element, below]]), wholeField);
}

export function isEmpty({ isMember, children }: FieldSet): boolean {
  return !isMember && children.size === 0;
}

export function childOf(set: FieldSet, element: string): FieldSet {
  return set.children.get(element) ?? noFields;
}

export function union(a: FieldSet, b: FieldSet): FieldSet {
  if (isEmpty(a)) return b;
  if (isEmpty(b)) return a;
  return combine(a, b, a.isMember || b.isMember, union);
}

export function minus(a: FieldSet, b: FieldSet): FieldSet {
  if (isEmpty(a) || isEmpty(b)) return a;
  const children = [...a.children].map(
    ([element, child]) => [element, minus(child, childOf(b, element))] as const,
  );
  return fieldSet(a.isMember && !b.isMember, children);
}

export function intersection(a: FieldSet, b: FieldSet): FieldSet {
  if (isEmpty(a) || isEmpty(b)) return noFields;
  const children = [...a.children].map(
    ([element, child]) => [element, intersection(child, childOf(b, element))] as const,
  );
  return fieldSet(a.isMember && b.isMember, children);
}

export function isEqual(a: FieldSet, b: FieldSet): boolean {
  return isEmpty(minus(a, b)) && isEmpty(minus(b, a));
}

/** Every member's path, in the order of the tree. */
export function* pathsOf(set: FieldSet, prefix: readonly string[] = []): Generator<readonly string[]> {
  if (set.isMember) yield prefix;
  for (const [element, child] of set.children) yield* pathsOf(child, [...prefix, element]);
}

/** As Kubernetes writes a path for people: `.spec.ports[port=80,protocol="TCP"].name`. */
export function pathText(path: readonly string[]): string {
  return path
    .map((element) => {
      const content = element.slice(2);
      if (element.startsWith("f:")) return `.${content}`;
      if (element.startsWith("v:")) return `[=${content}]`;
      const keys: Record<string, unknown> = JSON.parse(content);
      const pairs = Object.entries(keys).map(([name, value]) => `${name}=${JSON.stringify(value)}`);
      return `[${pairs.join(",")}]`;
    })
    .join("");
}

function combine(
  a: FieldSet,
  b: FieldSet,
  isMember: boolean,
  both: (a: FieldSet, b: FieldSet) => FieldSet,
): FieldSet {
  const elements = new Set([...a.children.keys(), ...b.children.keys()]);
  return fieldSet(
    isMember,
    [...elements].map((element) => [element, both(childOf(a, element), childOf(b, element))] as const),
  );
}
