/** Where connections to one service port go whose content is not read: the entries of a Service's TCPRoutes or TLSRoutes. */
import type { ConnectionRouting } from "../model/index.ts";
import { type ConnectionChoice, prepareEntries } from "./connection-table.ts";
import type { HostnameTable } from "./hostname-table.ts";
import { normalizeServerName } from "./listener-table.ts";
import { type PreparedRule, selectBackend } from "./rule.ts";

export class ServiceConnections {
  /** Only TLS is taken: which rule a connection has is told by the server name that its client sends. */
  readonly needsServerName: boolean;
  readonly #rules: HostnameTable<PreparedRule>;

  private constructor(rules: HostnameTable<PreparedRule>, needsServerName: boolean) {
    this.#rules = rules;
    this.needsServerName = needsServerName;
  }

  static prepare(routing: ConnectionRouting): ServiceConnections {
    const needsServerName = routing.entries.every((entry) => entry.hostnames.length > 0);
    return new ServiceConnections(prepareEntries(routing), needsServerName);
  }

  /** Undefined: no route has the name. `serverName` as the client sent it; `random` is in [0, 1). */
  pick(serverName: string | undefined, random: number): ConnectionChoice | undefined {
    const rule =
      serverName === undefined ? this.#rules.unnamed : this.#rules.select(normalizeServerName(serverName));
    return rule === undefined ? undefined : { rule, backend: selectBackend(rule, random) };
  }
}
