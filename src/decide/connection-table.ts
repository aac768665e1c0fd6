/**
 * Where a connection goes whose content is not read: TCP by its port alone, TLS by server name. First the listener (see
 * `ListenerTable`), then among its entries the most specific hostname, then a backend by weight.
 */
import type { ConnectionRouting, GatewayListener } from "../model/index.ts";
import { HostnameTable } from "./hostname-table.ts";
import { ListenerTable, normalizeServerName } from "./listener-table.ts";
import { type PreparedBackend, type PreparedRule, prepareConnectionRule, selectBackend } from "./rule.ts";

export interface ConnectionChoice {
  readonly rule: PreparedRule;
  /** Where its `unresolved` is set, the connection is to be refused. */
  readonly backend: PreparedBackend;
}

export class ConnectionTable {
  readonly #listeners: ListenerTable<HostnameTable<PreparedRule>>;
  readonly #clusters: ReadonlySet<string>;

  private constructor(listeners: ListenerTable<HostnameTable<PreparedRule>>, clusters: ReadonlySet<string>) {
    this.#listeners = listeners;
    this.#clusters = clusters;
  }

  /** All listeners that share one port. One that reads HTTP has no entries and so refuses connections. */
  static prepare(listeners: readonly GatewayListener[]): ConnectionTable {
    return new ConnectionTable(
      ListenerTable.prepare(listeners, (listener) => prepareEntries(listener.connections)),
      new Set(listeners.flatMap(({ connections }) => clustersOf(connections))),
    );
  }

  /** Whether some connection may still be sent to the cluster. */
  leadsTo(cluster: string): boolean {
    return this.#clusters.has(cluster);
  }

  /**
   * Undefined: no listener, or no route of the listener, has the name. `serverName` is undefined on plaintext ports and
   * where a client sent none; `random` is in [0, 1).
   */
  pick(serverName: string | undefined, random: number): ConnectionChoice | undefined {
    const rules = this.#listeners.select(serverName);
    const rule = serverName === undefined ? rules?.unnamed : rules?.select(normalizeServerName(serverName));
    return rule === undefined ? undefined : { rule, backend: selectBackend(rule, random) };
  }
}

function clustersOf(routing: ConnectionRouting | undefined): string[] {
  return (routing?.rules ?? []).flatMap((rule) =>
    rule.backends.flatMap(({ cluster, weight }) => (weight > 0 ? [cluster] : [])),
  );
}

/** Among the entries of one listener or service. */
export function prepareEntries(routing: ConnectionRouting | undefined): HostnameTable<PreparedRule> {
  const table = new HostnameTable<PreparedRule>();
  const rules = (routing?.rules ?? []).map(prepareConnectionRule);
  for (const entry of routing?.entries ?? []) {
    const rule = rules[entry.rule];
    if (rule === undefined) continue;
    if (entry.hostnames.length === 0) table.add("*", rule);
    for (const hostname of entry.hostnames) table.add(hostname, rule);
  }
  return table;
}
