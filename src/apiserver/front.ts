/**
 * The API's doors that know who is at the other end: a Unix socket (the kernel tells the user) and TLS (client certificates).
 * Bun's HTTP server tells neither, so it listens on a port of its own that answers to nobody but this relay: each relayed
 * connection is known there by the port that it comes from.
 */
import { chmodSync, rmSync } from "node:fs";
import { type Log, type ReasonCode, reasons } from "../kernel/index.ts";
import {
  connect,
  type Connection,
  type ConnectionSink,
  listen,
  type Listener,
  peerCredentials,
  type ServerTls,
} from "../net/index.ts";
import type { ConnectionPeer } from "./authentication/authenticator.ts";

/** Each costs three descriptors. */
const maxConnections = 2_048;
const maxHandshakes = 256;
const handshakeTimeoutMs = 10_000;
const connectTimeoutMs = 5_000;

export interface FrontOptions {
  readonly at: { readonly hostname: string; readonly port: number } | { readonly unixPath: string };
  readonly tls?: ServerTls | undefined;
  /** Where the HTTP server listens, on 127.0.0.1. */
  readonly innerPort: number;
  readonly onRefused: (reason: ReasonCode) => void;
  readonly log: Log;
}

export class Front {
  readonly #options: FrontOptions;
  readonly #listener: Listener;
  /** By the port from which a relayed connection comes. */
  readonly #peers = new Map<number, ConnectionPeer>();

  /** Throws WeftError: address_in_use, permission, io. */
  constructor(options: FrontOptions) {
    const { at, tls } = options;
    this.#options = options;
    // A socket file that a killed process left behind would refuse the bind; the instance's lock keeps a live one out.
    if ("unixPath" in at) rmSync(at.unixPath, { force: true });
    this.#listener = listen({
      ...at,
      ...(tls === undefined ? {} : { tls }),
      bounds: () => ({ maxConnections, maxHandshakes, handshakeTimeoutMs }),
      onConnection: (connection) => this.#relay(connection),
      onHandshakeFailed: (reason, address, detail) => this.#noteRefusal(reason, address, detail),
    });
    // Who may do what is told by the user at the other end, not by who may reach the file.
    if ("unixPath" in at) chmodSync(at.unixPath, 0o666);
  }

  get port(): number {
    return this.#listener.port;
  }

  peerOf(port: number): ConnectionPeer | undefined {
    return this.#peers.get(port);
  }

  /** Resets connections whose certificate is revoked by now, also those that only listen. */
  endRevoked(isRevoked: (der: Uint8Array) => boolean): void {
    const ended = this.#listener.terminatePeers(({ der }) => isRevoked(der));
    if (ended > 0)
      this.#options.log.warn("API clients whose certificates are revoked were cut off", {
        connections: ended,
      });
  }

  stopAccepting(): void {
    this.#listener.stopAccepting();
  }

  close(): void {
    const { at } = this.#options;
    this.#listener.closeAll();
    if ("unixPath" in at) rmSync(at.unixPath, { force: true });
  }

  /** A certificate that is wrong is somebody's trouble or an attack; all else that fails is the noise of a network. */
  #noteRefusal(reason: ReasonCode, peer: string, detail: string): void {
    const { log, onRefused } = this.#options;
    onRefused(reason);
    const isAboutPeer = reason.startsWith("peer_");
    const fields = { reason, peer, detail: detail === "" ? undefined : detail, hint: reasons[reason].hint };
    if (isAboutPeer) log.warn("an API client was refused", fields);
    else log.debug("an API client was refused", fields);
  }

  #relay(client: Connection): void {
    const peer = this.#identify(client);
    client.pause();
    connect(
      { address: "127.0.0.1", port: this.#options.innerPort, timeoutMs: connectTimeoutMs },
      (server) => {
        if (!("write" in server)) {
          this.#options.log.warn("the API's own port does not answer", { detail: server.detail });
          client.terminate();
          return;
        }
        const port = server.localPort;
        this.#peers.set(port, peer);
        server.sink = passTo(server, client, () => this.#peers.delete(port));
        client.sink = passTo(client, server, () => {});
        client.resume();
      },
    );
  }

  #identify(client: Connection): ConnectionPeer {
    if ("unixPath" in this.#options.at) return { source: "unix", uid: peerCredentials(client)?.uid };
    const { remoteAddress: source, peer } = client;
    return peer === undefined
      ? { source }
      : { source, certificate: peer.der, certificateNotAfterMs: peer.notAfterMs };
  }
}

function passTo(from: Connection, to: Connection, onClosed: () => void): ConnectionSink {
  return {
    onData(chunk) {
      if (!to.give(chunk)) from.pause();
    },
    onDrain: () => to.resume(),
    onEnd: () => to.shutdown(),
    onClose(cause) {
      onClosed();
      if (cause === "reset") to.terminate();
      else to.close();
    },
  };
}
