/**
 * Which of the listeners that share a port a connection belongs to, told from the server name that its client sent. As
 * with virtual hosts the choice is final: a listener without a route for the name refuses the connection, whatever a
 * less specific one would do with it.
 */
import type { GatewayListener } from "../model/index.ts";
import { HostnameTable } from "./hostname-table.ts";

export class ListenerTable<T> {
  readonly #listeners = new HostnameTable<T>();

  private constructor() {}

  /** In order: where two claim one hostname, the first keeps it. `prepare` is called for each, also for those that lose. */
  static prepare<T>(
    listeners: readonly GatewayListener[],
    prepare: (listener: GatewayListener) => T,
  ): ListenerTable<T> {
    const table = new ListenerTable<T>();
    for (const listener of listeners) table.#listeners.add(listener.hostname, prepare(listener));
    return table;
  }

  /** `serverName` as the client sent it; undefined: it sent none, and only a listener for every name takes it. */
  select(serverName: string | undefined): T | undefined {
    return serverName === undefined
      ? this.#listeners.unnamed
      : this.#listeners.select(normalizeServerName(serverName));
  }
}

/** RFC 6066 section 3: names compare without case. A final dot is not allowed there, and changes nothing where it is sent. */
export function normalizeServerName(serverName: string): string {
  return (serverName.endsWith(".") ? serverName.slice(0, -1) : serverName).toLowerCase();
}

/** "namespace/gateway/listener": two gateways that share a port may each have a listener of one name, and so may a ListenerSet. */
export function listenerId({ name, source }: GatewayListener): string {
  if (source === undefined) return name;
  const owner = `${source.namespace}/${source.name}`;
  return source.kind === "ListenerSet" ? `ListenerSet ${owner}/${name}` : `${owner}/${name}`;
}
