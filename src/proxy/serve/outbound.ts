/** Where the local application's connections arrive: one port for all that is redirected, or a listener per declared upstream. */
import { WeftError } from "../../kernel/index.ts";
import { type Connection, listen } from "../../net/index.ts";
import type { Capture, ExplicitUpstream } from "../bootstrap.ts";
import { ConnectionSet } from "./connection-set.ts";
import type { ServeContext } from "./context.ts";
import { DoorListeners } from "./door-listeners.ts";
import { listenLimits } from "./listen-limits.ts";
import { type ListenSharing, sharedPlace } from "./listen-sharing.ts";
import { MeshPrefixes } from "../../decide/index.ts";
import { OutboundConnection, type OutboundParts } from "./outbound-connection.ts";
import type { RouteSelector } from "./route-selector.ts";
import type { DestinationOf, Server } from "./server.ts";

export class OutboundServer implements Server {
  readonly connections = new ConnectionSet();
  readonly #parts: OutboundParts;
  readonly #destinationOf: DestinationOf;
  readonly #sharing: ListenSharing | undefined;
  readonly listeners = new DoorListeners();

  constructor(
    context: ServeContext,
    selector: RouteSelector,
    destinationOf: DestinationOf,
    sharing?: ListenSharing,
  ) {
    this.#destinationOf = destinationOf;
    this.#sharing = sharing;
    this.#parts = {
      context,
      selector,
      prefixes: new MeshPrefixes(),
      members: this.connections,
    };
  }

  /** Returns what was bound, for the ready line. Throws `address_in_use` or `permission`. */
  open(capture: Capture): readonly { readonly address: string; readonly port: number }[] {
    switch (capture.kind) {
      case "redirect":
        this.#listenRedirected(capture.outboundPort);
        break;
      case "explicit":
        for (const upstream of capture.outbound) this.#listenExplicit(upstream);
        break;
      case "none":
        break;
    }
    return this.listeners
      .openListeners()
      .map(({ listener }) => ({ address: listener.hostname, port: listener.port }));
  }

  stopAccepting(): void {
    this.listeners.stopAccepting();
  }

  close(): void {
    this.stopAccepting();
    this.connections.terminateAll();
    this.listeners.closeAll();
  }

  #listenRedirected(port: number): void {
    // A redirected connection of a local program arrives at loopback; nobody else has business here.
    for (const hostname of ["127.0.0.1", "::1"]) {
      this.#tryListen(hostname, port, (connection) => {
        const destination = this.#destinationOf(connection);
        // Dialled directly, not redirected: following it would dial ourselves.
        if (destination === undefined || isSelf(destination, connection)) {
          this.#parts.context.metrics.refused("outbound", "destination_unknown");
          connection.terminate();
          return;
        }
        new OutboundConnection(connection, this.#parts).dialAddress(destination.address, destination.port);
      });
    }
  }

  #listenExplicit(upstream: ExplicitUpstream): void {
    const slash = upstream.service.indexOf("/");
    const namespace = upstream.service.slice(0, slash);
    const service = upstream.service.slice(slash + 1);
    this.#tryListen(upstream.address, upstream.port, (connection) =>
      new OutboundConnection(connection, this.#parts).dialService(namespace, service, upstream.servicePort),
    );
  }

  #tryListen(hostname: string, port: number, onConnection: (connection: Connection) => void): void {
    const { metrics } = this.#parts.context;
    try {
      this.listeners.add(hostname, port, (at) =>
        listen({
          ...sharedPlace(this.#sharing, hostname, at),
          ...listenLimits(this.#parts.context),
          onRefused: (reason) => metrics.refused("outbound", reason),
          onConnection: (connection) => {
            metrics.accepted("outbound");
            onConnection(connection);
          },
        }),
      );
    } catch (error) {
      // A machine without IPv6 has no "::1" to listen on, and no IPv6 traffic to capture either.
      const isTaken = error instanceof WeftError && error.code === "address_in_use";
      if (hostname === "::1" && this.listeners.openListeners().length > 0 && !isTaken) return;
      throw error;
    }
  }
}

function isSelf(destination: { address: string; port: number }, connection: Connection): boolean {
  return destination.port === connection.localPort && destination.address === connection.localAddress;
}
