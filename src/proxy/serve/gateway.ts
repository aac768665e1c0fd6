/**
 * The gateway's listeners follow the configuration: one per address and port, kept across changes, new ones opened before
 * old ones are closed to new connections. A port that cannot be bound is reported and tried again; the others serve.
 */
import { chmodSync, mkdirSync, renameSync, rmSync, statSync } from "node:fs";
import { errorLine } from "../../kernel/index.ts";
import { Protocol } from "../../model/index.ts";
import { type Listener, type ListenOptions, listen } from "../../net/index.ts";
import type { PreparedGatewayPort, Snapshot } from "../agent/index.ts";
import type { GatewayListen } from "../bootstrap.ts";
import { ConnectionSet } from "./connection-set.ts";
import type { ServeContext } from "./context.ts";
import type { OpenListener } from "./door-listeners.ts";
import { GatewayUdp } from "./gateway-udp.ts";
import { arrivalOf, type GatewayParts, serveGatewayConnection } from "./gateway-connection.ts";
import { listenLimits } from "./listen-limits.ts";
import { type ListenSharing, sharedPlace } from "./listen-sharing.ts";
import type { RouteSelector } from "./route-selector.ts";
import type { Server } from "./server.ts";

interface OpenPort {
  readonly listener: Listener;
  readonly where: GatewayAddress;
  /** The port's newest configuration: replaced with each snapshot, read by each connection and request. */
  readonly holder: { current: PreparedGatewayPort };
  /** Of the Unix socket's file: another process may have put its own there. 0: it is none. */
  readonly inode: number;
}

export interface GatewayAddress {
  readonly address: string;
  readonly port: number;
  /** Set: served on a Unix socket in the place of that address and port. */
  readonly unixPath: string | undefined;
}

/** Between two tries to bind a port that was refused. */
const retryMs = 5_000;

export class GatewayServer implements Server {
  readonly connections = new ConnectionSet();
  readonly udp: GatewayUdp;
  readonly #context: ServeContext;
  readonly #selector: RouteSelector;
  readonly #options: GatewayListen;
  readonly #sharing: ListenSharing | undefined;
  readonly #open = new Map<string, OpenPort>();
  /** Ports that could not be bound, and why: said once, not with every try. */
  readonly #failed = new Map<string, string>();
  /** Closed for new connections. Of those that they had, some may be open. */
  readonly #stopped = new Set<Listener>();
  readonly listeners: Server["listeners"];
  #retryAtMs = 0;
  #isClosed = false;

  constructor(
    context: ServeContext,
    selector: RouteSelector,
    options: GatewayListen,
    sharing: ListenSharing | undefined,
  ) {
    this.#context = context;
    this.#selector = selector;
    this.#options = options;
    this.#sharing = sharing;
    this.udp = new GatewayUdp(context, options, sharing !== undefined);
    const connections = (): number => this.#connections();
    this.listeners = {
      get connections() {
        return connections();
      },
      openListeners: () => this.#openListeners(),
      release: (listener) => this.#release(listener),
      reopen: () => this.applySnapshot(context.agent.snapshot),
    };
  }

  applySnapshot(snapshot: Snapshot): void {
    if (this.#isClosed) return;
    const wanted = new Set<string>();
    for (const port of snapshot.gatewayPorts) {
      if (port.protocol === Protocol.UDP) continue;
      const where = this.#placeOf(port, snapshot.gatewayPorts[0]);
      const key = where.unixPath ?? `${where.address}:${where.port}`;
      if (wanted.has(key)) {
        const again = `${key} again`;
        wanted.add(again);
        this.#fail(again, "spec.addresses name the proxy's own address, which Gateways without them have");
        continue;
      }
      wanted.add(key);
      const known = this.#open.get(key);
      if (known === undefined) this.#tryOpen(key, where, port);
      else known.holder.current = port;
    }
    this.udp.applySnapshot(snapshot);
    for (const [key, entry] of this.#open) {
      if (wanted.has(key)) continue;
      this.#open.delete(key);
      // What is connected finishes; its requests find no route any more once the port is gone from the configuration.
      this.#stop(entry);
    }
    for (const key of this.#failed.keys()) if (!wanted.has(key)) this.#failed.delete(key);
  }

  /** What is bound at the moment. */
  addresses(): GatewayAddress[] {
    return [...this.#open.values()].map((entry) => ({
      ...entry.where,
      port: entry.where.port || entry.listener.port,
    }));
  }

  #openListeners(): OpenListener[] {
    return [...this.#open.values()].map(({ listener, where: { address, port } }) => ({
      address,
      port: port || listener.port,
      listener,
    }));
  }

  #connections(): number {
    const listeners = new Set(this.#stopped);
    for (const { listener } of this.#open.values()) listeners.add(listener);
    return [...listeners].reduce((sum, { connections }) => sum + connections, 0);
  }

  /** It comes back with the next snapshot that has it. */
  #release(listener: Listener): void {
    for (const [key, entry] of this.#open) {
      if (entry.listener !== listener) continue;
      this.#open.delete(key);
      this.#stop(entry);
    }
  }

  failures(): readonly string[] {
    return [...this.#failed.values(), ...this.udp.failures()];
  }

  sweep(nowMs: number): void {
    this.connections.sweep(nowMs);
    this.udp.sweep(nowMs);
    if (this.#failed.size === 0 || nowMs < this.#retryAtMs) return;
    this.#retryAtMs = nowMs + retryMs;
    this.applySnapshot(this.#context.agent.snapshot);
  }

  stopAccepting(): void {
    this.#isClosed = true;
    for (const entry of this.#open.values()) this.#stop(entry);
    this.udp.close();
  }

  close(): void {
    this.stopAccepting();
    this.connections.terminateAll();
    for (const listener of this.#stopped) listener.closeAll();
    this.#open.clear();
  }

  /** The port that the bootstrap gives stands for the gateway's first one; a gateway's further ports keep their numbers. */
  #placeOf(port: PreparedGatewayPort, first: PreparedGatewayPort | undefined): GatewayAddress {
    const options = this.#options;
    const isFirst = first?.port === port.port && first.protocol !== Protocol.UDP;
    const number = isFirst ? (options.port ?? port.port) : port.port;
    const address = port.address || options.address;
    const unixPath = options.kind === "unix" ? `${options.directory}/${address}:${number}.sock` : undefined;
    return { address, port: number, unixPath };
  }

  #tryOpen(key: string, where: GatewayAddress, port: PreparedGatewayPort): void {
    const context = this.#context;
    try {
      const holder = { current: port };
      const parts: GatewayParts = {
        context,
        selector: this.#selector,
        members: this.connections,
        hasClientAddresses: where.unixPath === undefined,
      };
      const listener = listen({
        ...this.#listenPlace(where),
        ...listenLimits(context),
        arrival: () => arrivalOf(holder),
        onHandshakeFailed: (reason) => {
          context.metrics.refused("gateway", reason);
          context.metrics.handshake("gateway", "", reason);
        },
        onRefused: (reason) => context.metrics.refused("gateway", reason),
        onConnection: (connection) => {
          context.metrics.accepted("gateway");
          if (connection.isTls) context.metrics.handshake("gateway", connection.tlsVersion, "ok");
          serveGatewayConnection(connection, holder, parts);
        },
      });
      const inode = where.unixPath === undefined ? 0 : placeSocket(listener.hostname, where.unixPath);
      this.#open.set(key, { listener, where, holder, inode });
      this.#failed.delete(key);
      context.log.info("gateway listener opened", {
        address: where.unixPath ?? listener.hostname,
        port: listener.port,
      });
    } catch (error) {
      this.#fail(key, errorLine(error));
    }
  }

  #fail(key: string, why: string): void {
    const message = `gateway listener ${key}: ${why}`;
    if (this.#failed.get(key) !== message) this.#context.log.error(message);
    this.#failed.set(key, message);
  }

  #listenPlace(where: GatewayAddress): Pick<ListenOptions, "hostname" | "port" | "unixPath" | "reusePort"> {
    const { address: hostname, port, unixPath } = where;
    if (unixPath !== undefined) {
      return { unixPath: makeWay(unixPath) };
    }
    return sharedPlace(this.#sharing, hostname, port);
  }

  #stop(entry: OpenPort): void {
    entry.listener.stopAccepting();
    for (const listener of this.#stopped) if (listener.connections === 0) this.#stopped.delete(listener);
    this.#stopped.add(entry.listener);
    const { unixPath } = entry.where;
    if (unixPath !== undefined && inodeOf(unixPath) === entry.inode) rmSync(unixPath, { force: true });
  }
}

/** Where the socket is made. Whoever stops listening removes what stands under the name that it bound, so that is a name of its own. */
function makeWay(unixPath: string): string {
  mkdirSync(unixPath.slice(0, unixPath.lastIndexOf("/")), { recursive: true, mode: 0o700 });
  const own = `${unixPath}.${process.pid}`;
  rmSync(own, { force: true });
  return own;
}

/**
 * It appears in one step in the place of what another process has there, or a killed one left: the directory is ours alone. Returns
 * its inode.
 */
function placeSocket(own: string, unixPath: string): number {
  chmodSync(own, 0o600);
  renameSync(own, unixPath);
  return inodeOf(unixPath) ?? 0;
}

function inodeOf(path: string): number | undefined {
  return statSync(path, { throwIfNoEntry: false })?.ino;
}
