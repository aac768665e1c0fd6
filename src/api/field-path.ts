/** Field paths as people read them: `spec.rules[0].matches`, `metadata.labels[app.kubernetes.io/name]`. */

export type PathSegment = string | number;

export function joinPath(path: string, segment: PathSegment): string {
  if (typeof segment === "number") return `${path}[${segment}]`;
  if (!/^[A-Za-z_$][\w$-]*$/.test(segment)) return `${path}[${printable(segment)}]`;
  return path === "" ? segment : `${path}.${segment}`;
}

/** From a JSON pointer (RFC 6901), with the value at hand to tell list items from members. */
export function pathOfPointer(pointer: string, root: unknown): string {
  let path = "";
  let value = root;
  for (const segment of pointerSegments(pointer)) {
    path = joinPath(path, Array.isArray(value) ? Number(segment) : segment);
    value = childOf(value, segment);
  }
  return path;
}

export function pointerSegments(pointer: string): string[] {
  if (pointer === "") return [];
  return pointer
    .slice(1)
    .split("/")
    .map((part) => part.replaceAll("~1", "/").replaceAll("~0", "~"));
}

export function childOf(value: unknown, segment: string): unknown {
  if (typeof value !== "object" || value === null) return undefined;
  return Object.hasOwn(value, segment) ? Reflect.get(value, segment) : undefined;
}

/** The path one level up; undefined at the root. */
export function parentPath(path: string): string | undefined {
  if (path === "") return undefined;
  const bracket = path.endsWith("]") ? path.lastIndexOf("[") : -1;
  return path.slice(0, Math.max(0, bracket >= 0 ? bracket : path.lastIndexOf(".")));
}

/** Paths end up in terminals and logs, where control characters would act. */
function printable(segment: string): string {
  return segment.replace(/\p{Cc}/gu, "?");
}
