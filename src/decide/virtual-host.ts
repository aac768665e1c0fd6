/**
 * Which virtual host of a gateway's port a request belongs to: an exact hostname before a wildcard, the longer
 * wildcard before the shorter, `*` last. The choice is final: a virtual host whose rules do not match answers 404.
 */
import type { GatewayListener } from "../model/index.ts";
import { RouteTable } from "./route-table.ts";

export interface PreparedVirtualHost {
  readonly hostname: string;
  /** Name of the listener that it belongs to. */
  readonly listener: string;
  readonly routes: RouteTable;
}

export class VirtualHostTable {
  readonly #exact = new Map<string, PreparedVirtualHost>();
  /** By the text behind the star: ".example.com". */
  readonly #wildcards = new Map<string, PreparedVirtualHost>();
  #any: PreparedVirtualHost | undefined;

  private constructor() {}

  /** All listeners that share one port. Where two claim one hostname, the first keeps it. */
  static prepare(listeners: readonly GatewayListener[]): VirtualHostTable {
    const table = new VirtualHostTable();
    for (const listener of listeners) {
      for (const host of listener.virtualHosts) {
        if (host.http === undefined) continue;
        const routes = RouteTable.prepare(host.http);
        table.#add({ hostname: host.hostname.toLowerCase(), listener: listener.name, routes });
      }
    }
    return table;
  }

  select(authority: string): PreparedVirtualHost | undefined {
    const hostname = hostnameOf(authority);
    const exact = this.#exact.get(hostname);
    if (exact !== undefined) return exact;
    if (this.#wildcards.size > 0) {
      // From the left, so that the longest suffix is tried first. At least one character stands for the star.
      for (let dot = hostname.indexOf(".", 1); dot >= 0; dot = hostname.indexOf(".", dot + 1)) {
        const wildcard = this.#wildcards.get(hostname.slice(dot));
        if (wildcard !== undefined) return wildcard;
      }
    }
    return this.#any;
  }

  #add(host: PreparedVirtualHost): void {
    if (host.hostname === "*" || host.hostname === "") this.#any ??= host;
    else if (host.hostname.startsWith("*.")) addFirst(this.#wildcards, host.hostname.slice(1), host);
    else addFirst(this.#exact, host.hostname, host);
  }
}

/** `authority` is the Host header or `:authority`, with or without a port. */
export function selectVirtualHost(
  table: VirtualHostTable,
  authority: string,
): PreparedVirtualHost | undefined {
  return table.select(authority);
}

function addFirst<T>(map: Map<string, T>, key: string, value: T): void {
  if (!map.has(key)) map.set(key, value);
}

/** Without the port, the final dot, and in lower case. Gateway API: the port of the Host header is ignored. */
function hostnameOf(authority: string): string {
  const bracket = authority.startsWith("[") ? authority.indexOf("]") : -1;
  const colon = authority.indexOf(":", bracket + 1);
  const host = colon < 0 ? authority : authority.slice(0, colon);
  return (host.endsWith(".") ? host.slice(0, -1) : host).toLowerCase();
}
