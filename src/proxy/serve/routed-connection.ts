/**
 * A connection of the local application to a service port whose connections are routed (TCPRoute, TLSRoute): nothing of
 * it is read but a TLS server name, where the routes ask for one.
 */
import type { ServiceConnections } from "../../decide/index.ts";
import type { ReasonCode } from "../../kernel/index.ts";
import type { Connection } from "../../net/index.ts";
import { SessionProtocol } from "../../wire/index.ts";
import type { PreparedOutbound } from "../agent/index.ts";
import type { UpstreamCluster, UpstreamEndpoint } from "../upstream/index.ts";
import type { ConnectionSet } from "./connection-set.ts";
import type { ServeContext } from "./context.ts";
import { outboundEdge, unreachedEdge } from "./edges.ts";
import type { ExternalDestination } from "./external-destination.ts";
import { refuseServerName, ServerNameReader } from "./server-name-reader.ts";
import type { TcpTarget } from "./tcp-dial.ts";
import { TcpSession } from "./tcp-session.ts";

export interface RoutedConnection {
  readonly connection: Connection;
  readonly context: ServeContext;
  readonly members: ConnectionSet;
  readonly outbound: PreparedOutbound["outbound"];
  readonly connections: ServiceConnections;
  /** Set: the service's connections go where their clients meant to go. */
  readonly external: ExternalDestination | undefined;
  /** Where redirected traffic was going. */
  readonly destination: TcpTarget["destination"];
  /** What the connection has said so far, and whether it has ended behind that. */
  readonly early: Uint8Array | undefined;
  readonly isEnded: boolean;
}

export function serveRoutedConnection(routed: RoutedConnection): void {
  const { connection, context, members, early } = routed;
  if (!routed.connections.needsServerName) {
    route(routed, undefined, early);
    return;
  }
  ServerNameReader.start(connection, context, members, {
    early,
    listener: {
      onServerName: (serverName, read) => {
        connection.serverName = serverName;
        route(routed, serverName, read);
      },
      onNoHello: (reason) => count(routed, reason, ""),
    },
  });
}

function route(routed: RoutedConnection, serverName: string | undefined, read: Uint8Array | undefined): void {
  const { connection, context, members, connections, destination } = routed;
  const choice = connections.pick(serverName, context.random());
  if (choice === undefined) {
    count(routed, "no_route", "");
    refuseServerName(connection);
    return;
  }
  const { backend, rule } = choice;
  context.ruleHits.count(rule);
  const cluster = backend.unresolved === undefined ? find(routed, backend.cluster, serverName) : undefined;
  if (cluster === undefined) {
    count(routed, backend.unresolved === undefined ? "no_endpoint" : "backend_unresolved", rule.route);
    connection.terminate();
    return;
  }
  const options = { route: rule.route, protocol: "tcp" as const };
  const target: TcpTarget = {
    cluster,
    protocol: SessionProtocol.TCP,
    ...(destination && { destination }),
    edge: (endpoint: UpstreamEndpoint | undefined) =>
      endpoint === undefined
        ? unreachedEdge(context, { ...options, service: cluster.service, port: cluster.port })
        : outboundEdge(context, endpoint, options),
  };
  new TcpSession(connection, context, target, members).start(read, routed.isEnded);
}

function find(
  { context, external }: RoutedConnection,
  key: string,
  serverName = "",
): UpstreamCluster | undefined {
  return external === undefined ? context.upstreams.cluster(key) : external.toward(key, serverName);
}

function count({ context, outbound }: RoutedConnection, reason: ReasonCode, routeName: string): void {
  context.metrics.refused("outbound", reason);
  const service = `${outbound.namespace}/${outbound.service}`;
  unreachedEdge(context, { service, route: routeName, protocol: "tcp", port: outbound.port })
    .tcp(reason)
    .open();
}
