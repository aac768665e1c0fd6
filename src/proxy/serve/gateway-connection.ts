/**
 * One connection that came in at a gateway's port: what the port's configuration of that moment makes of it.
 *
 *   TLS port: hello -> listener by server name -> TLS ends here -> HTTP (version by ALPN) | TCP
 *                                              -> passed through -> TCP
 *   plaintext port: HTTP | TCP
 */
import { Protocol } from "../../model/index.ts";
import type { ArrivalChoice, Connection, TlsDecision } from "../../net/index.ts";
import { SessionProtocol } from "../../wire/index.ts";
import type { ListenerAdmission, PortTlsChoice } from "../agent/index.ts";
import type { UpstreamEndpoint } from "../upstream/index.ts";
import type { ConnectionSet } from "./connection-set.ts";
import type { ServeContext } from "./context.ts";
import { outboundEdge, unreachedEdge } from "./edges.ts";
import { gatewayCaller } from "./gateway-caller.ts";
import { GatewayHttp, type GatewayPortHolder } from "./gateway-http.ts";
import { serveHttp } from "./http-opening.ts";
import type { RouteSelector } from "./route-selector.ts";
import type { TcpAdmission, TcpTarget } from "./tcp-dial.ts";
import { TcpSession } from "./tcp-session.ts";

export interface GatewayParts {
  readonly context: ServeContext;
  readonly selector: RouteSelector;
  readonly members: ConnectionSet;
  /** Clients have addresses of their own here: not on Unix sockets. */
  readonly hasClientAddresses: boolean;
}

/** HTTP/2 first: one connection for all of a browser's requests. */
const httpAlpn = ["h2", "http/1.1"];

/** For the listener: what comes before a connection is anybody's. */
export function arrivalOf(holder: GatewayPortHolder): ArrivalChoice {
  const { proxyProtocol, tls } = holder.current;
  return {
    hasProxyHeader: proxyProtocol,
    tls: tls && { inspect: (hello) => decideTls(tls.select(hello.serverName, hello)) },
  };
}

function decideTls(choice: PortTlsChoice | undefined): TlsDecision {
  if (choice === undefined) return { kind: "refuse", reason: "no_route" };
  if (choice.mode === "passthrough") return { kind: "passthrough" };
  const { identity, minVersion, clientCertificate } = choice;
  const alpn = choice.protocol === "http" ? httpAlpn : [];
  if (clientCertificate !== "none") {
    return { kind: "terminate", tls: { identity, alpn, clientCertificate, minVersion } };
  }
  // Clients show no certificate, so there is none whose check a resumed session would skip.
  return { kind: "terminate", tls: { identity, alpn, clientCertificate, minVersion, resumption: true } };
}

export function serveGatewayConnection(
  connection: Connection,
  holder: GatewayPortHolder,
  parts: GatewayParts,
): void {
  const { context } = parts;
  const { tls, protocol } = holder.current;
  if (tls === undefined) {
    // The port became plaintext between this connection's hello and now: what its client meant is gone.
    if (connection.isTls) refuse(connection, context);
    else if (protocol === Protocol.HTTP) serveGatewayHttp(connection, holder, parts);
    else serveGatewayTcp(connection, holder, parts);
    return;
  }
  const choice = tls.select(connection.serverName);
  const isTerminated = choice?.mode === "terminate";
  if (choice === undefined || isTerminated !== connection.isTls) refuse(connection, context);
  else if (isTerminated && choice.protocol === "http") serveGatewayHttp(connection, holder, parts, choice);
  else serveGatewayTcp(connection, holder, parts);
}

function serveGatewayHttp(
  connection: Connection,
  holder: GatewayPortHolder,
  parts: GatewayParts,
  tls?: Extract<PortTlsChoice, { mode: "terminate" }>,
): void {
  const { context, selector, members } = parts;
  const service = new GatewayHttp(context, selector, {
    holder,
    connection,
    clientAddress: parts.hasClientAddresses ? connection.remoteAddress : "",
    scheme: connection.isTls ? "https" : "http",
    tls: tls && { choice: tls, serverName: connection.serverName, peer: connection.peer },
  });
  const version = connection.isTls ? (connection.alpn === "h2" ? 2 : 1) : undefined;
  serveHttp(connection, context, service, { members, version });
}

function serveGatewayTcp(connection: Connection, holder: GatewayPortHolder, parts: GatewayParts): void {
  const { context, members } = parts;
  const choice = holder.current.connections?.pick(connection.serverName, context.random());
  const cluster =
    choice === undefined || choice.backend.unresolved !== undefined
      ? undefined
      : context.upstreams.cluster(choice.backend.cluster);
  const route = choice?.rule.route ?? "";
  const { port } = holder.current;
  if (cluster === undefined) {
    const reason =
      choice === undefined
        ? "no_route"
        : choice.backend.unresolved === undefined
          ? "no_endpoint"
          : "backend_unresolved";
    context.metrics.refused("gateway", reason);
    unreachedEdge(context, { service: "", route, protocol: "tcp", port }).tcp(reason).open();
    connection.terminate();
    return;
  }
  const target: TcpTarget = {
    cluster,
    protocol: SessionProtocol.TCP,
    isDecrypted: connection.isTls,
    sourceIdentity: connection.peer?.uriSans[0] ?? "",
    admission: gatewayAdmission(connection, holder, context),
    telemetry: holder.current.connectionTelemetry?.select(connection.serverName),
    edge: (endpoint: UpstreamEndpoint | undefined) =>
      endpoint === undefined
        ? unreachedEdge(context, { service: cluster.service, route, protocol: "tcp", port })
        : outboundEdge(context, endpoint, { route, protocol: "tcp" }),
  };
  new TcpSession(connection, context, target, members).start(undefined, false);
}

/** Of the listener; what it asks now is looked up each time. */
function gatewayAdmission(
  connection: Connection,
  holder: GatewayPortHolder,
  context: ServeContext,
): TcpAdmission {
  const find = (): ListenerAdmission | undefined =>
    holder.current.connectionAdmissions?.select(connection.serverName);
  const { mesh } = context.agent.snapshot;
  return {
    caller: gatewayCaller(connection, { gateway: find()?.gateway ?? "", port: holder.current.port, mesh }),
    refusal: () => undefined,
    chain: () => {
      const found = find();
      return found && context.admissions.chainOf(found.admission);
    },
  };
}

function refuse(connection: Connection, context: ServeContext): void {
  context.metrics.refused("gateway", "no_route");
  connection.terminate();
}
