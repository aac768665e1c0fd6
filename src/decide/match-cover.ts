/**
 * Whether one match of requests holds wherever another one does. Yes is said only where that is certain; what cannot be decided
 * (a pattern that another pattern may contain) is no.
 */
import type { HttpMatch, ValueMatch } from "../model/index.ts";
import { normalizePath } from "./path.ts";
import { compilePattern } from "./pattern.ts";

/** True: every request that `narrow` takes is taken by `wide` too. Throws `bad_input` for a pattern that does not compile. */
export function coversMatch(wide: HttpMatch | undefined, narrow: HttpMatch | undefined): boolean {
  if (wide === undefined) return true;
  return (
    coversPath(wide.path, narrow?.path) &&
    coversMethod(wide, narrow) &&
    (!wide.grpc || narrow?.grpc === true) &&
    wide.headers.every((condition) => isImplied(condition, narrow?.headers ?? [], lowerName)) &&
    wide.query.every((condition) => isImplied(condition, narrow?.query ?? [], exactName))
  );
}

type Path = HttpMatch["path"];

function coversPath(wide: Path, narrow: Path | undefined): boolean {
  switch (wide.case) {
    case undefined:
      return true;
    case "pathPrefix": {
      const prefix = trimmed(wide.value);
      if (prefix === "") return true;
      const within = narrow?.case === "pathPrefix" || narrow?.case === "pathExact" ? narrow : undefined;
      if (within === undefined) return false;
      const path = within.case === "pathPrefix" ? trimmed(within.value) : normalizePath(within.value);
      return path === prefix || path.startsWith(`${prefix}/`);
    }
    case "pathExact":
      return narrow?.case === "pathExact" && normalizePath(narrow.value) === normalizePath(wide.value);
    case "pathRegex":
      if (narrow?.case === "pathExact")
        return compilePattern(wide.value).matches(normalizePath(narrow.value));
      return narrow?.case === "pathRegex" && narrow.value === wide.value;
  }
}

function trimmed(prefix: string): string {
  const normal = normalizePath(prefix);
  return normal.endsWith("/") ? normal.slice(0, -1) : normal;
}

/** Calls of gRPC are POST. */
function coversMethod({ method }: HttpMatch, narrow: HttpMatch | undefined): boolean {
  if (method === "") return true;
  return narrow?.method === method || (narrow?.grpc === true && method === "POST");
}

const lowerName = (name: string): string => name.toLowerCase();
const exactName = (name: string): string => name;

function isImplied(
  { name, value }: ValueMatch,
  given: readonly ValueMatch[],
  nameOf: (name: string) => string,
): boolean {
  return given.some((other) => {
    if (nameOf(other.name) !== nameOf(name)) return false;
    if (value.case !== "regex") return other.value.case !== "regex" && text(other) === (value.value ?? "");
    if (other.value.case === "regex") return other.value.value === value.value;
    return compilePattern(value.value).matches(text(other));
  });
}

function text({ value }: ValueMatch): string {
  return value.value ?? "";
}
