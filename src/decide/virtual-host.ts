/**
 * Which virtual host of a gateway's port a request belongs to: an exact hostname before a wildcard, the longer
 * wildcard before the shorter, `*` last. The choice is final: a virtual host whose rules do not match answers 404.
 */
import type { GatewayListener } from "../model/index.ts";
import { hostOf } from "./authority.ts";
import { HostnameTable } from "./hostname-table.ts";
import { listenerId } from "./listener-table.ts";
import { RouteTable } from "./route-table.ts";

export interface PreparedVirtualHost {
  readonly hostname: string;
  /** The listener that it belongs to, as `listenerId` writes it. */
  readonly listener: string;
  readonly routes: RouteTable;
}

export class VirtualHostTable {
  readonly #hosts = new HostnameTable<PreparedVirtualHost>();

  private constructor() {}

  /** Those of all listeners that share one port. Where two claim one hostname, the first keeps it. */
  static of(hosts: readonly PreparedVirtualHost[]): VirtualHostTable {
    const table = new VirtualHostTable();
    for (const host of hosts) table.#hosts.add(host.hostname, host);
    return table;
  }

  static prepare(listeners: readonly GatewayListener[]): VirtualHostTable {
    return VirtualHostTable.of(listeners.flatMap(prepareVirtualHosts));
  }

  select(authority: string): PreparedVirtualHost | undefined {
    return this.#hosts.select(hostnameOf(authority));
  }
}

/** Throws `bad_input` as `RouteTable.prepare` does. */
export function prepareVirtualHosts(listener: GatewayListener): PreparedVirtualHost[] {
  const id = listenerId(listener);
  return listener.virtualHosts.flatMap(({ hostname, http }) =>
    http === undefined
      ? []
      : [{ hostname: hostname.toLowerCase(), listener: id, routes: RouteTable.prepare(http) }],
  );
}

/** `authority` is the Host header or `:authority`, with or without a port. */
export function selectVirtualHost(
  table: VirtualHostTable,
  authority: string,
): PreparedVirtualHost | undefined {
  return table.select(authority);
}

/**
 * RFC 9110 section 15.5.20: the client reuses a connection whose certificate and rules are another listener's. `tlsListener`:
 * the one whose TLS the connection has; undefined: plaintext.
 */
export function isMisdirected(host: PreparedVirtualHost, tlsListener: string | undefined): boolean {
  return tlsListener !== undefined && host.listener !== tlsListener;
}

/** Without the port, the final dot, and in lower case. Gateway API: the port of the Host header is ignored. */
export function hostnameOf(authority: string): string {
  const host = hostOf(authority);
  return (host.endsWith(".") ? host.slice(0, -1) : host).toLowerCase();
}
