/** Scenarios as data: what is loaded, and who stands in the way. */
import { envoyPair } from "../peers/envoy-pair.ts";
import type { Peer } from "../peers/peer.ts";
import { weftPair } from "../peers/weft-pair.ts";

export interface Scenario {
  readonly name: string;
  readonly summary: string;
  readonly connections: number;
  readonly headers: readonly string[];
  readonly peers: readonly Peer[];
}

export const scenarios: readonly Scenario[] = [
  {
    name: "http1-mtls-pair",
    summary: "HTTP/1.1 through two proxies with mTLS between them, keep-alive, 32 connections, 36-byte body",
    connections: 32,
    headers: [],
    peers: [weftPair, envoyPair("http1"), envoyPair("http2")],
  },
];
