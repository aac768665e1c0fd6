/**
 * A new path for a request, as URLRewrite and RequestRedirect have it: all of it replaced, or the prefix that the rule
 * matched. A prefix is replaced in the form of the path that was matched (`normalizePath`): the same resource by RFC 3986.
 */
import type { PathRewrite } from "../model/index.ts";
import { normalizePath } from "./path.ts";

export class PreparedPathRewrite {
  readonly #replacement: string;
  /** Without a final slash. Undefined: the whole path is replaced. */
  readonly #prefix: string | undefined;

  private constructor(replacement: string, prefix: string | undefined) {
    this.#replacement = replacement;
    this.#prefix = prefix;
  }

  /** `matched` is the prefix of the rule's match. */
  static prepare(rewrite: PathRewrite | undefined, matched: string): PreparedPathRewrite | undefined {
    switch (rewrite?.kind.case) {
      case undefined:
        return undefined;
      case "full":
        return new PreparedPathRewrite(rewrite.kind.value || "/", undefined);
      case "prefix":
        return new PreparedPathRewrite(
          withoutFinalSlash(rewrite.kind.value),
          withoutFinalSlash(normalizePath(matched)),
        );
    }
  }

  /** `path` as received, without the query. What is no path ("*", and nothing for CONNECT) stays as it is. */
  apply(path: string): string {
    if (!path.startsWith("/")) return path;
    const prefix = this.#prefix;
    if (prefix === undefined) return this.#replacement;
    const normal = normalizePath(path);
    if (!normal.startsWith(prefix)) return path;
    const rest = normal.slice(prefix.length);
    if (rest !== "" && !rest.startsWith("/")) return path;
    return this.#replacement + rest || "/";
  }
}

function withoutFinalSlash(path: string): string {
  return path.endsWith("/") ? path.slice(0, -1) : path;
}
