/** The server behind every peer of a scenario, on the load generator's core. */
import type { Bench } from "../processes.ts";
import { startBytes } from "./bytes.ts";
import { startMessages } from "./messages.ts";
import { startNghttpd } from "./nghttpd.ts";
import { startNginx } from "./nginx.ts";

/**
 * http1: nginx, 36 bytes at / and 1 MiB at /1mb. http2: nghttpd, the same 36 bytes. grpc: nghttpd, one message and its trailers.
 * messages: echoes gRPC messages. bytes: sends for as long as somebody reads.
 */
export type UpstreamKind = "http1" | "http2" | "grpc" | "messages" | "bytes";

const starts: Readonly<Record<UpstreamKind, (bench: Bench) => Promise<number>>> = {
  http1: startNginx,
  http2: (bench) => startNghttpd(bench, "http2"),
  grpc: (bench) => startNghttpd(bench, "grpc"),
  messages: startMessages,
  bytes: startBytes,
};

/** Resolves with its port once it takes connections. */
export function startUpstream(bench: Bench, kind: UpstreamKind): Promise<number> {
  return starts[kind](bench.group("upstream"));
}
