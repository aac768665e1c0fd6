/**
 * Where the API listens. Plain HTTP is for loopback addresses alone; a Unix socket and TLS come in through fronts that know who
 * is at the other end, each with an HTTP server of its own behind it.
 */
import { clientProblem } from "../identity/x509/index.ts";
import { type Log, type ReasonCode, WeftError } from "../kernel/index.ts";
import type { ServerTls } from "../net/index.ts";
import type { ConnectionPeer } from "./authentication/authenticator.ts";
import { hardBodyBytes } from "./body.ts";
import { Front, type FrontOptions } from "./front.ts";
import type { Handler } from "./handler.ts";

/** A client that stops in the middle of a request is not waited for longer. */
const idleTimeoutSeconds = 60;
/** How long `stop` waits for requests in flight. */
const stopTimeoutMs = 2_000;

export interface ApiTls {
  /** Leaf first. Its names are names of this server. */
  readonly certChainPem: string;
  readonly privateKeyPem: string;
  /** Client certificates of these authorities prove their subject; absent: none is asked for. */
  readonly clientCaPem?: string | undefined;
}

export type ApiListen =
  | {
      readonly kind: "tcp";
      readonly address: string;
      readonly port: number;
      readonly tls?: ApiTls | undefined;
    }
  | { readonly kind: "unix"; readonly unixPath: string };

export interface ListenersOptions {
  readonly listen: ApiListen;
  readonly besideUnixPath?: string | undefined;
  /** Certificates that do not count any more. */
  readonly isRevoked: (der: Uint8Array) => boolean;
  /** A handshake failed. */
  readonly onRefused: (reason: ReasonCode) => void;
  readonly log: Log;
}

export interface Listeners {
  readonly url: string;
  readonly port: number | undefined;
  endRevoked(): void;
  stop(): Promise<void>;
}

/** Throws `address_in_use`, `permission`, `io`; then nothing listens. */
export function openListeners(options: ListenersOptions, handler: Handler): Listeners {
  const { listen, besideUnixPath, isRevoked, onRefused, log } = options;
  const servers: Bun.Server<undefined>[] = [];
  const fronts: Front[] = [];
  const openFront = (at: FrontOptions["at"], tls: ApiTls | undefined): Front => {
    let front: Front | undefined;
    const inner = serve({ address: "127.0.0.1", port: 0 }, handler, (port) => ({
      peer: front?.peerOf(port),
      isTls: tls !== undefined,
    }));
    servers.push(inner);
    const options = { at, innerPort: inner.port ?? 0, onRefused, log };
    front = new Front(tls === undefined ? options : { ...options, tls: serverTls(tls, isRevoked) });
    fronts.push(front);
    return front;
  };
  const open = (): Pick<Listeners, "url" | "port"> => {
    if (listen.kind === "unix") {
      openFront({ unixPath: listen.unixPath }, undefined);
      return { url: listen.unixPath, port: undefined };
    }
    const { address, port, tls } = listen;
    if (tls !== undefined) return placeOf(listen, openFront({ hostname: address, port }, tls).port);
    const server = serve(listen, handler, () => undefined);
    servers.push(server);
    return placeOf(listen, server.port ?? 0);
  };
  const stop = async (): Promise<void> => {
    for (const front of fronts) front.stopAccepting();
    await Promise.race([Promise.all(servers.map((server) => server.stop(false))), Bun.sleep(stopTimeoutMs)]);
    for (const front of fronts) front.close();
    for (const server of servers) await server.stop(true);
  };
  try {
    const place = open();
    if (besideUnixPath !== undefined) openFront({ unixPath: besideUnixPath }, undefined);
    const endRevoked = (): void => {
      for (const front of fronts) front.endRevoked(isRevoked);
    };
    return { ...place, endRevoked, stop };
  } catch (error) {
    for (const front of fronts) front.close();
    for (const server of servers) void server.stop(true);
    throw error;
  }
}

function placeOf({ address, tls }: ApiListen & { kind: "tcp" }, port: number): { url: string; port: number } {
  const host = address.includes(":") ? `[${address}]` : address;
  return { url: `${tls === undefined ? "http" : "https"}://${host}:${port}`, port };
}

function serverTls(
  { certChainPem, privateKeyPem, clientCaPem }: ApiTls,
  isRevoked: ListenersOptions["isRevoked"],
): ServerTls {
  const certificate = { certChainPem, privateKeyPem };
  // 1.2 for tools that lack 1.3; between the two the newer one is always chosen.
  const basics = { alpn: [], minVersion: "1.2" } as const;
  return clientCaPem === undefined
    ? { ...basics, identity: certificate, clientCertificate: "none" }
    : {
        ...basics,
        identity: { ...certificate, trustRootsPem: clientCaPem },
        clientCertificate: "optional",
        verifyPeer({ der }) {
          const problem = clientProblem(der);
          if (problem !== undefined) return { reason: "peer_identity_invalid", detail: problem };
          return isRevoked(der)
            ? { reason: "peer_revoked", detail: "the certificate is revoked" }
            : undefined;
        },
      };
}

/** Undefined: not by a front. Its `peer` is undefined where nobody relayed the connection. */
type FrontOf = (
  port: number,
) => { readonly peer: ConnectionPeer | undefined; readonly isTls: boolean } | undefined;

function serve(
  listen: { readonly address: string; readonly port: number },
  handler: Handler,
  frontOf: FrontOf,
): Bun.Server<undefined> {
  const fetch = async (http: Request, bun: Bun.Server<undefined>): Promise<Response> => {
    const address = bun.requestIP(http);
    const front = frontOf(address?.port ?? 0);
    if (front !== undefined && front.peer === undefined) return new Response(null, { status: 403 });
    // A watch is silent for as long as nothing changes.
    if (http.url.includes("watch=")) bun.timeout(http, 0);
    return handler.handle(http, front?.peer ?? { source: address?.address ?? "" }, front?.isTls ?? false);
  };
  try {
    return Bun.serve({
      hostname: listen.address,
      port: listen.port,
      fetch,
      maxRequestBodySize: hardBodyBytes,
      idleTimeout: idleTimeoutSeconds,
    });
  } catch (cause) {
    throw listenError(`${listen.address}:${listen.port}`, cause);
  }
}

function listenError(where: string, cause: unknown): WeftError {
  const code = cause instanceof Error && "code" in cause ? cause.code : undefined;
  if (code === "EADDRINUSE") {
    return new WeftError("address_in_use", `${where} is in use`, {
      cause,
      hint: "choose another with --api ADDRESS:PORT",
    });
  }
  if (code === "EACCES") {
    return new WeftError("permission", `not allowed to listen on ${where}`, {
      cause,
      hint: "choose a port above 1023",
    });
  }
  return new WeftError("io", `cannot listen on ${where}`, { cause });
}
