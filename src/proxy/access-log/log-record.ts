/**
 * What ended as a log record of OpenTelemetry: attributes by its semantic conventions, the rest under `weft.`. Loaded with the
 * first collector that takes logs.
 */
import type { PreparedAccessLog } from "../../decide/telemetry/index.ts";
import { isGrpcContentType } from "../../grpc/index.ts";
import type { HttpRequest } from "../http/index.ts";
import type { HttpOutcome, TcpOutcome } from "../observation/index.ts";
import type { EdgeLabels } from "../telemetry/index.ts";
import { destinationNamespace, sourceNamespace } from "./edge-fragment.ts";
import { httpVersion, toldQuery } from "./json-line.ts";
import type { LineFrame } from "./line-frame.ts";
import { isFailure } from "./log-choice.ts";
import type { LogAttribute, LogRecord } from "./log-sink.ts";

type Attributes = Record<string, LogAttribute | undefined>;

/** `line`: of the text format, where there is one; it is the body then. */
export function httpRecord(outcome: HttpOutcome, frame: LineFrame, line: string | undefined): LogRecord {
  const { head, tries, edge } = outcome;
  const path = head === undefined ? "" : (frame.settings?.redaction.path(head.path) ?? head.path);
  const rpc = head !== undefined && isGrpc(head);
  const attributes: Attributes = {
    ...(head === undefined ? {} : headAttributes(head, { outcome, settings: frame.settings, path })),
    "http.response.status_code": outcome.status === 0 ? undefined : outcome.status,
    "http.request.body.size": outcome.requestBytes,
    "http.response.body.size": outcome.responseBytes,
    "rpc.system": rpc ? "grpc" : undefined,
    "rpc.grpc.status_code": outcome.grpcStatus,
    ...commonAttributes(outcome, frame),
    ...placeAttributes(edge.labels, { peer: outcome.peerAddress, upstream: tries?.place ?? "" }),
    "error.type":
      outcome.reason ?? (isFailure(outcome) ? String(outcome.grpcStatus ?? outcome.status) : undefined),
    "weft.rule": outcome.rule,
    "weft.tries": tries?.count ?? 0,
    "weft.detail": tries?.fault?.describe(outcome.detail) ?? outcome.detail,
  };
  const method = head === undefined ? "unread request" : `${head.method} ${head.authority}${path}`;
  return recordOf(outcome, {
    ...{ frame, attributes, line },
    summary: `${method} ${outcome.status}${outcome.reason === undefined ? "" : ` ${outcome.reason}`}`,
  });
}

export function tcpRecord(outcome: TcpOutcome, frame: LineFrame, line: string | undefined): LogRecord {
  const { edge, peerAddress: peer, upstreamAddress: upstream } = outcome;
  const attributes: Attributes = {
    "network.transport": "tcp",
    "weft.request.bytes": outcome.requestBytes,
    "weft.response.bytes": outcome.responseBytes,
    ...commonAttributes(outcome, frame),
    ...placeAttributes(edge.labels, { peer, upstream }),
    "error.type": outcome.reason,
    "weft.tries": outcome.attempts,
    "weft.detail": outcome.detail,
  };
  const to = edge.labels.destinationService || upstream;
  return recordOf(outcome, {
    ...{ frame, attributes, line },
    summary: `TCP ${to}${outcome.reason === undefined ? "" : ` ${outcome.reason}`}`,
  });
}

function recordOf(
  outcome: HttpOutcome | TcpOutcome,
  parts: {
    readonly frame: LineFrame;
    readonly attributes: Attributes;
    readonly line: string | undefined;
    readonly summary: string;
  },
): LogRecord {
  const { frame, attributes, line, summary } = parts;
  const isTraced = outcome.traceId !== undefined;
  return {
    timeMs: frame.timeMs,
    severity: isFailure(outcome) ? "error" : "info",
    eventName: "weft.access",
    body: line?.trimEnd() ?? summary,
    attributes,
    traceId: outcome.traceId,
    spanId: isTraced ? outcome.trace?.spanId : undefined,
  };
}

function isGrpc(head: HttpRequest): boolean {
  const contentType = head.get("content-type");
  return contentType !== undefined && isGrpcContentType(contentType);
}

function headAttributes(
  head: HttpRequest,
  parts: {
    readonly outcome: HttpOutcome;
    readonly settings: PreparedAccessLog | undefined;
    readonly path: string;
  },
): Attributes {
  const redaction = parts.settings?.redaction;
  const isKnown = knownMethods.has(head.method);
  return {
    "http.request.method": isKnown ? head.method : "_OTHER",
    "http.request.method_original": isKnown ? undefined : head.method,
    "url.scheme": parts.outcome.scheme,
    "url.path": parts.path,
    "url.query": redaction && toldQuery(head, redaction),
    "server.address": head.authority,
    "network.protocol.name": "http",
    "network.protocol.version": httpVersion(head),
    "user_agent.original": redaction?.hidesHeader("user-agent") === true ? undefined : head.get("user-agent"),
  };
}

/** Others a caller made up. */
const knownMethods: ReadonlySet<string> = new Set([
  ...["GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH"],
]);

function placeAttributes(
  edge: EdgeLabels,
  { peer, upstream }: { readonly peer: string; readonly upstream: string },
): Attributes {
  return {
    "client.address": peer,
    "network.peer.address": edge.direction === "inbound" ? peer : upstream,
    "weft.direction": edge.direction,
    "weft.source.workload": edge.sourceWorkload,
    "weft.source.namespace": sourceNamespace(edge),
    "weft.source.identity": edge.sourceIdentity,
    "weft.source.version": edge.sourceVersion,
    "weft.source.locality": edge.sourceLocality,
    "weft.destination.workload": edge.destinationWorkload,
    "weft.destination.namespace": destinationNamespace(edge),
    "weft.destination.identity": edge.destinationIdentity,
    "weft.destination.service": edge.destinationService,
    "weft.destination.port": edge.destinationPort,
    "weft.destination.version": edge.destinationVersion,
    "weft.destination.locality": edge.destinationLocality,
    "weft.upstream": upstream,
    "weft.route": edge.route,
    "weft.mtls": edge.mtls,
  };
}

function commonAttributes(outcome: HttpOutcome | TcpOutcome, frame: LineFrame): Attributes {
  const { policy } = outcome;
  const attributes: Attributes = {
    "weft.request.id": outcome.requestId,
    "weft.duration_us": Math.round(outcome.durationUs),
    "weft.revision": frame.revision,
    "weft.policy": policy?.policy,
    "weft.policy.rule": policy?.policyRule,
    "weft.policy.verdict": policy?.policyVerdict,
  };
  const { facts, settings } = frame;
  if (facts !== undefined)
    for (const label of settings?.fields ?? []) attributes[label.name] = label.read(facts);
  return attributes;
}
