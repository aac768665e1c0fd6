/**
 * Under which names the API is spoken to: only those that a browser page of somebody else cannot take (DNS rebinding).
 * `Host` must be a loopback name or one that was configured, and a request that a page made must come from such a name too.
 */
import { parseIp, Prefix, WeftError } from "../kernel/index.ts";

const loopbackPrefixes = ["127.0.0.0/8", "::1/128"].flatMap((text) => Prefix.parse(text) ?? []);

export class Doors {
  readonly #hostNames: ReadonlySet<string>;

  constructor(hostNames: readonly string[]) {
    this.#hostNames = new Set(hostNames.map((name) => name.toLowerCase()));
  }

  /** Throws `forbidden` for a foreign host or origin. */
  check(request: Request): void {
    const host = request.headers.get("host") ?? "";
    if (!this.#isOwnName(hostnameOf(host))) {
      throw new WeftError("forbidden", `host "${host}" is not a name of this server`, {
        hint: "use 127.0.0.1 or localhost, or a name in the API's certificate",
      });
    }
    const origin = request.headers.get("origin");
    if (origin !== null && !this.#isOwnName(URL.parse(origin)?.hostname ?? "")) {
      throw new WeftError("forbidden", `origin "${origin}" may not use this API`);
    }
  }

  #isOwnName(hostname: string): boolean {
    const name = hostname.replace(/^\[(.*)\]$/, "$1").toLowerCase();
    return name === "localhost" || isLoopbackAddress(name) || this.#hostNames.has(name);
  }
}

export function isLoopbackAddress(text: string): boolean {
  const bytes = parseIp(text);
  return bytes !== undefined && loopbackPrefixes.some((prefix) => prefix.contains(bytes));
}

/** Without the port. */
function hostnameOf(authority: string): string {
  return /^(\[[^\]]*\]|[^:]*)(:\d{1,5})?$/.exec(authority)?.[1] ?? "";
}
