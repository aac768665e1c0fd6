/** The span of one raw TCP connection that is kept: from when it was taken to when both sides had ended. */
import type { PreparedTelemetry, TelemetryFacts } from "../../decide/telemetry/index.ts";
import type { TcpOutcome } from "../observation/index.ts";
import { SpanBuilder } from "./span-builder.ts";
import { splitAuthority } from "./span-status.ts";
import type { Trace } from "./trace.ts";
import type { WallClock } from "./wall-clock.ts";

export interface TcpSpanParts {
  readonly trace: Trace;
  readonly outcome: TcpOutcome;
  readonly settings: PreparedTelemetry;
  readonly wall: WallClock;
  /** When it ended, monotonic. */
  readonly endUs: number;
  /** For attributes of policies; undefined: there are none. */
  readonly facts: TelemetryFacts | undefined;
}

export function tcpSpan({ trace, outcome, settings, wall, endUs, facts }: TcpSpanParts): Uint8Array {
  const isServer = trace.side !== "client";
  const span = new SpanBuilder(trace, wall, {
    spanId: trace.spanId,
    parentSpanId: trace.parentSpanId,
    isParentRemote: true,
    name: "TCP",
    kind: isServer ? "server" : "client",
    startUs: endUs - outcome.durationUs,
    endUs,
  });
  const { attributes } = span;
  const server = splitAuthority(outcome.upstreamAddress);
  attributes.add("network.transport", "tcp");
  if (isServer) attributes.add("client.address", outcome.peerAddress);
  attributes
    .add("network.peer.address", isServer ? outcome.peerAddress : server.host)
    .add("network.peer.port", isServer ? undefined : server.port)
    .add("server.address", server.host)
    .add("server.port", server.port)
    .add("weft.request.bytes", outcome.requestBytes)
    .add("weft.response.bytes", outcome.responseBytes)
    .add("weft.request.id", outcome.requestId)
    .add("weft.tries", outcome.attempts);
  span.edge(outcome.edge);
  span.policy(outcome.policy);
  if (facts !== undefined)
    for (const each of settings.tracing.attributes) attributes.add(each.name, each.read(facts));
  span.error(outcome.reason, outcome.detail);
  return span.encode();
}
