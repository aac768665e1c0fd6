/** Captured traffic that is not the mesh's (15006): refused where mTLS is required, else handed to the application. */
import { admitInbound, callerService, type PreparedInboundPort, readAs } from "../../decide/index.ts";
import { canonicalIp, type ReasonCode, WeftError } from "../../kernel/index.ts";
import { type Connection, type Listener, listen } from "../../net/index.ts";
import { SessionProtocol } from "../../wire/index.ts";
import type { Application } from "./application.ts";
import { ConnectionSet } from "./connection-set.ts";
import type { ServeContext } from "./context.ts";
import { DoorListeners } from "./door-listeners.ts";
import { serveHttp } from "./http-opening.ts";
import { type InboundCaller, InboundHttp, inboundTcp } from "./inbound-session.ts";
import { type Detection, ProtocolDetector } from "./protocol-detector.ts";
import { listenLimits } from "./listen-limits.ts";
import { type ListenSharing, sharedPlace } from "./listen-sharing.ts";
import type { DestinationOf, Server } from "./server.ts";
import { refuseServerFirst } from "./server-first-refusal.ts";
import type { TcpTarget } from "./tcp-dial.ts";
import { TcpSession } from "./tcp-session.ts";

export class InboundPlaintext implements Server {
  readonly connections = new ConnectionSet();
  readonly #context: ServeContext;
  readonly #application: Application;
  readonly #destinationOf: DestinationOf;
  readonly #sharing: ListenSharing | undefined;
  readonly listeners = new DoorListeners();

  constructor(
    context: ServeContext,
    application: Application,
    destinationOf: DestinationOf,
    sharing?: ListenSharing,
  ) {
    this.#context = context;
    this.#application = application;
    this.#destinationOf = destinationOf;
    this.#sharing = sharing;
  }

  /** Returns the port that was bound. */
  open(port: number): number {
    return this.#listenEverywhere(port).port;
  }

  stopAccepting(): void {
    this.listeners.stopAccepting();
  }

  close(): void {
    this.stopAccepting();
    this.connections.terminateAll();
    this.listeners.closeAll();
  }

  /** Both families through one socket; a machine without IPv6 has only the one. */
  #listenEverywhere(port: number): Listener {
    try {
      return this.#add("::", port);
    } catch (error) {
      if (error instanceof WeftError && error.code === "address_in_use") throw error;
      return this.#add("0.0.0.0", port);
    }
  }

  #add(hostname: string, port: number): Listener {
    return this.listeners.add(hostname, port, (at) => this.#listen(hostname, at));
  }

  #listen(hostname: string, port: number): Listener {
    return listen({
      ...sharedPlace(this.#sharing, hostname, port),
      ...listenLimits(this.#context),
      onRefused: (reason) => this.#context.metrics.refused("plaintext", reason),
      onConnection: (connection) => {
        this.#context.metrics.accepted("plaintext");
        this.#onConnection(connection);
      },
    });
  }

  #onConnection(connection: Connection): void {
    const destination = this.#destinationOf(connection);
    // The port itself was dialled: nothing was captured, and forwarding it would loop.
    if (destination === undefined || destination.port === connection.localPort) {
      this.#refuse(connection, "target_unknown");
      return;
    }
    const table = this.#context.agent.snapshot.inboundTable;
    const refusal =
      table === undefined
        ? "target_unknown"
        : admitInbound(table, {
            peerIdentity: undefined,
            targetAddress: destination.address,
            targetPort: destination.port,
          });
    const port = table?.port(destination.port);
    if (refusal !== undefined || port === undefined) this.#refuse(connection, refusal ?? "target_unknown");
    else this.#serve(connection, port, destination.address);
  }

  #serve(connection: Connection, port: PreparedInboundPort, targetAddress: string): void {
    const service = callerService(port, "");
    const caller: InboundCaller = { identity: "", workload: "", service, connection, targetAddress };
    this.#context.plaintextCallers.count(canonicalIp(connection.remoteAddress) ?? "", port.port);
    const cluster = this.#application.port(port.port, port);
    const target = (protocol: SessionProtocol): TcpTarget =>
      inboundTcp(this.#context, caller, { port: port.port, cluster, protocol });
    const http = new InboundHttp(this.#context, caller, { port: port.port, answer: cluster });
    const onHttp = (alreadyRead: Uint8Array | undefined): void =>
      serveHttp(connection, this.#context, http, { members: this.connections, alreadyRead });
    const key = `inbound:${port.port}`;
    const read = readAs(port.protocol, false);
    const isDeclaredHttp = read === "http";
    if (isDeclaredHttp && this.#context.protocols.recall(key) === "http") {
      onHttp(undefined);
    } else if (read !== "bytes") {
      const detection: Detection = {
        connection,
        context: this.#context,
        members: this.connections,
        key,
        isDeclaredHttp,
        isGuarded: port.admission !== undefined,
        target,
        onHttp,
        onNoTarget: () => this.#refuse(connection, "application_unreachable"),
        onServerFirst: () => refuseServerFirst(connection, this.#context, http),
      };
      ProtocolDetector.start(detection, undefined, false);
    } else {
      const session = target(SessionProtocol.TCP);
      new TcpSession(connection, this.#context, session, this.connections).start(undefined, false);
    }
  }

  #refuse(connection: Connection, reason: ReasonCode): void {
    this.#context.metrics.refused("plaintext", reason);
    connection.terminate();
  }
}
