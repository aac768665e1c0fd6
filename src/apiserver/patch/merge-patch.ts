/** JSON Merge Patch, RFC 7396. */

/** Nothing that people write is deeper; it keeps the recursion bounded. */
const maxDepth = 64;

/** `target` with `patch` applied; neither is changed. A patch that is deeper than 64 levels replaces what lies below. */
export function mergePatch(target: unknown, patch: unknown, depth = 0): unknown {
  if (!isPlain(patch) || depth > maxDepth) return patch;
  const result: Record<string, unknown> = isPlain(target) ? { ...target } : {};
  for (const [name, value] of Object.entries(patch)) {
    if (value === null) delete result[name];
    else
      setOwn(
        result,
        name,
        mergePatch(Object.hasOwn(result, name) ? result[name] : undefined, value, depth + 1),
      );
  }
  return result;
}

export function isPlain(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** A plain assignment to `__proto__` would change what the object is. */
function setOwn(object: Record<string, unknown>, name: string, value: unknown): void {
  Object.defineProperty(object, name, { value, enumerable: true, configurable: true, writable: true });
}
