/** A scenario is data: what is loaded, how, and who stands in the way. */
import type { FigureName, Unit } from "../figures.ts";
import type { Peer, Work } from "../peers/peer.ts";
import type { UpstreamKind } from "../upstreams/upstream.ts";

export type Load =
  /** Closed loop, HTTP/1.1. `minResponseBytes`: what an answer has at least, its head included. */
  | {
      readonly kind: "wrk";
      readonly path: string;
      readonly minResponseBytes: number;
      readonly isTls?: true;
      readonly isClosing?: true;
    }
  /** Closed loop, HTTP/2, so many streams on each connection. */
  | { readonly kind: "h2load"; readonly streams: number; readonly isGrpc: boolean }
  /** Open loop, HTTP/1.1: the same rate for all. */
  | { readonly kind: "rate"; readonly requestsPerSecond: number }
  | { readonly kind: "bytes" }
  | { readonly kind: "messages"; readonly streams: number }
  | { readonly kind: "handshakes" }
  /** Connections that do nothing. */
  | { readonly kind: "idle" }
  /** Open loop while metrics are scraped each second, and with `routes` applied after a quarter of the time. */
  | {
      readonly kind: "stall";
      readonly requestsPerSecond: number;
      readonly routes: number;
      /** Less is too short for the routes to be applied in. */
      readonly minSeconds: number;
    };

export interface Scenario {
  readonly name: string;
  readonly summary: string;
  readonly unit: Unit;
  /** What the picture shows and ratios are taken of. */
  readonly headline: FigureName;
  /** Columns of the table. */
  readonly columns: readonly FigureName[];
  readonly work: Work;
  readonly upstream: UpstreamKind;
  readonly load: Load;
  readonly connections: number;
  /** Of a request, with `Host`. */
  readonly headers: number;
  /** How many routes: each number is measured with a process of its own. */
  readonly routes: readonly number[];
  /** How many policy objects that apply to others, in the same way. */
  readonly policies: readonly number[];
  /** A process for each round instead of one for all: where a round leaves its traces. */
  readonly isFresh: boolean;
  readonly peers: readonly Peer[];
}
