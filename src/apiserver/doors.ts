/**
 * Who may speak to the API at all: a bearer token on every path but /healthz, and only under names that a browser page
 * of somebody else cannot take (DNS rebinding): `Host` must be a loopback name or one that was configured, and a request
 * that a page made must come from such a name too.
 */
import { createHash, timingSafeEqual } from "node:crypto";
import { parseIp, Prefix, WeftError } from "../kernel/index.ts";

const loopbackPrefixes = ["127.0.0.0/8", "::1/128"].flatMap((text) => Prefix.parse(text) ?? []);

export class Doors {
  readonly #tokenHash: Uint8Array;
  readonly #hostNames: ReadonlySet<string>;

  constructor(token: string, hostNames: readonly string[]) {
    this.#tokenHash = hash(token);
    this.#hostNames = new Set(hostNames.map((name) => name.toLowerCase()));
  }

  /** Throws `forbidden` for a foreign host or origin, `unauthenticated` for a missing or wrong token. */
  check(request: Request, path: string): void {
    const host = request.headers.get("host") ?? "";
    if (!this.#isOwnName(hostnameOf(host))) {
      throw new WeftError("forbidden", `host "${host}" is not a name of this server`, {
        hint: "use 127.0.0.1 or localhost",
      });
    }
    const origin = request.headers.get("origin");
    if (origin !== null && !this.#isOwnName(URL.parse(origin)?.hostname ?? "")) {
      throw new WeftError("forbidden", `origin "${origin}" may not use this API`);
    }
    if (path === "/healthz") return;
    const [scheme, token] = (request.headers.get("authorization") ?? "").split(" ", 2);
    // Hashes have one length whatever the tokens' are, so the comparison tells nothing by its time.
    if (scheme?.toLowerCase() !== "bearer" || !timingSafeEqual(hash(token ?? ""), this.#tokenHash)) {
      throw new WeftError("unauthenticated", "a valid bearer token is required", {
        hint: "the control plane keeps it in DATA-DIR/token; set WEFT_TOKEN or WEFT_TOKEN_FILE",
      });
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

function hash(text: string): Uint8Array {
  return createHash("sha256").update(text).digest();
}
