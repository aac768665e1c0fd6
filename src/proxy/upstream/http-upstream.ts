/** One exchange's place on a connection towards an endpoint, whichever version of HTTP that speaks. */
import type { HeadEdits, HeaderLine } from "../../http1/index.ts";
import type { ResetCode } from "../../grpc/index.ts";
import type { ReasonCode } from "../../kernel/index.ts";
import type { ConnectFailure, Connection } from "../../net/index.ts";
import type { HttpRequest, HttpResponse, HttpVersion, RequestRewrite, Trailers } from "../http/index.ts";
import type { CodecLimitsSource } from "./codec-limits.ts";
import type { ConnectionBudget } from "./connection-budget.ts";

/** The exchange's side: what its upstream tells it. After `onUpstreamEnd` or `onUpstreamLost` nothing more comes. */
export interface UpstreamHandler {
  onUpstreamInterim(head: HttpResponse): void;
  /** The final response; 101, or 2xx to CONNECT, where the connection becomes a tunnel. */
  onUpstreamHead(head: HttpResponse): void;
  /** May be kept. `isLast`: known to be the end, with no trailers behind it; `onUpstreamEnd` still comes. */
  onUpstreamBody(chunk: Uint8Array, isLast?: boolean): void;
  onUpstreamEnd(trailers: Trailers | undefined): void;
  /** After `writeBody` returned false: more is wanted. */
  onUpstreamDrain(): void;
  /** `isUnprocessed`: the peer says that it never looked at the request. `resetCode`: it reset the stream alone. */
  onUpstreamLost(reason: ReasonCode, detail: string, isUnprocessed: boolean, resetCode?: ResetCode): void;
}

export interface UpstreamRequest {
  readonly head: HttpRequest;
  readonly edits: HeadEdits | undefined;
  /** Of this one request; they replace fields of their names. */
  readonly lines: readonly HeaderLine[];
  /** Of the client's connection. */
  readonly scheme: "http" | "https";
  /** Asks to switch protocols, where the client did. */
  readonly isUpgrade: boolean;
  readonly rewrite?: RequestRewrite | undefined;
}

export interface UpstreamStream {
  readonly version: HttpVersion;
  /** The connection has carried an exchange before: the peer may have closed it while the request was on its way. */
  readonly isReused: boolean;
  /** Sends the head. What it returns says why this request cannot be said in this version; nothing was sent then. */
  begin(handler: UpstreamHandler, request: UpstreamRequest): string | undefined;
  /** False: it was taken, but stop until `onUpstreamDrain`. */
  writeBody(chunk: Uint8Array): boolean;
  /** The last byte of the request. */
  writeEnd(trailers: Trailers | undefined): void;
  pause(): void;
  resume(): void;
  /** The exchange gives up: what is under way there is reset, so that the work really ends. */
  abandon(): void;
  /** From here on bodies are the tunnel's bytes, each direction with its own end. */
  enterTunnel(): void;
  /** A tunnel over HTTP/1.1: the connection is the caller's. Undefined where others share the connection. */
  detach(): Connection | undefined;
}

export interface PoolWaiter {
  /** Tells the request's priority, where a policy asks for that. */
  readonly head?: HttpRequest;
  /** The request is one that not every HTTP/2 server takes (a switch of protocols): a fresh one's settings are awaited. */
  readonly needsSettings: boolean;
  onUpstream(upstream: UpstreamStream): void;
  onUpstreamFailed(failure: ConnectFailure): void;
}

/** What a pool of either version needs. */
export interface PoolOptions {
  readonly dial: (done: (result: Connection | ConnectFailure) => void) => { cancel(): void };
  /** The identity that a new connection would show; a pooled one with another is closed when it becomes idle. */
  readonly currentIdentity: () => object | undefined;
  readonly nowMs: () => number;
  readonly codecs: CodecLimitsSource;
  readonly maxConnections: number;
  readonly maxPending: number;
  readonly idleTimeoutMs: number;
  /** What its cluster's connections have in common. Undefined: nothing. */
  readonly budget?: ConnectionBudget | undefined;
  /** 0 or absent: no bound. */
  readonly maxRequestsPerConnection?: number;
  /** 0 or absent: no bound. */
  readonly maxLifetimeMs?: number;
  /** In [0, 1). */
  readonly random?: () => number;
}

/** The connections to one endpoint in one version of HTTP. */
export interface UpstreamPool {
  readonly openConnections: number;
  readonly idleConnections: number;
  readonly pendingRequests: number;
  /** A place at once, undefined where the waiter will be called later, or why neither is possible. */
  acquire(waiter: PoolWaiter): UpstreamStream | ReasonCode | undefined;
  /** The waiter is not called any more. A connect under way goes on: somebody will want it. */
  cancel(waiter: PoolWaiter): void;
  /** One connection turned out to be dead: idle ones are likely from the same dead process. */
  dropIdle(): void;
  sweep(nowMs: number): void;
  /** Idle connections go now, busy ones when their exchanges end, waiting requests look elsewhere. */
  close(): void;
}

/**
 * After a rotation this many connections of a pool are closed per sweep (each second), so that a fleet whose
 * certificates turn over together does not shake hands all at once.
 */
export const rotatedPerSweep = 2;

/** Connections that were opened together do not all end together: up to this share of their lifetime earlier. */
const lifetimeJitter = 0.1;

/** When a connection that is opened now is to be replaced. */
export function endOfLifeMs(options: PoolOptions): number {
  const { maxLifetimeMs = 0, random = Math.random } = options;
  if (maxLifetimeMs === 0) return Infinity;
  return options.nowMs() + maxLifetimeMs * (1 - lifetimeJitter * random());
}
