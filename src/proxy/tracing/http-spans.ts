/** The spans of one exchange that is kept: the request's, and on the client's side one for each of its tries. */
import type { PreparedTelemetry, TelemetryFacts } from "../../decide/telemetry/index.ts";
import { isGrpcContentType } from "../../grpc/index.ts";
import { RequestHead } from "../../http1/index.ts";
import { Attributes } from "../otlp/attributes.ts";
import type { HttpRequest } from "../http/index.ts";
import type { HttpOutcome, TryRecord } from "../observation/index.ts";
import { SpanBuilder } from "./span-builder.ts";
import { errorType, methodName, splitAuthority } from "./span-status.ts";
import type { Trace } from "./trace.ts";
import type { WallClock } from "./wall-clock.ts";

export interface HttpSpanParts {
  readonly trace: Trace;
  readonly outcome: HttpOutcome;
  readonly settings: PreparedTelemetry;
  readonly wall: WallClock;
  /** For attributes of policies; undefined: there are none. */
  readonly facts: TelemetryFacts | undefined;
}

/** Of one request; more tries than these are told by their number alone. */
const maxTrySpans = 16;

/** The request's own is the first. */
export function httpSpans(parts: HttpSpanParts): Uint8Array[] {
  const { trace, outcome } = parts;
  const records = outcome.tries?.records ?? [];
  const request = requestSpan(parts, records);
  if (trace.side === "server") return [request];
  return [request, ...records.slice(0, maxTrySpans).map((record) => trySpan(parts, record))];
}

function requestSpan(parts: HttpSpanParts, records: readonly TryRecord[]): Uint8Array {
  const { trace, outcome, settings, wall, facts } = parts;
  const { head, times, edge } = outcome;
  const isServer = trace.side !== "client";
  const rpc = head && rpcOf(head);
  const route = head && routeOf(head, settings);
  const span = new SpanBuilder(trace, wall, {
    spanId: trace.spanId,
    parentSpanId: trace.parentSpanId,
    isParentRemote: true,
    name: nameOf(head, rpc, route),
    kind: isServer ? "server" : "client",
    startUs: times.startUs,
    endUs: times.endUs,
  });
  const { attributes } = span;
  if (head !== undefined) addHead(attributes, head, { ...parts, route });
  addRpc(attributes, rpc, outcome.grpcStatus);
  if (outcome.status > 0 && rpc === undefined) attributes.add("http.response.status_code", outcome.status);
  addPeer(attributes, outcome, isServer);
  attributes
    .add("http.request.body.size", outcome.requestBytes)
    .add("http.response.body.size", outcome.responseBytes)
    .add("weft.request.id", outcome.requestId)
    .add("weft.rule", outcome.rule)
    .add("weft.tries", outcome.tries?.count ?? 0);
  span.edge(edge);
  span.policy(outcome.policy);
  if (facts !== undefined)
    for (const each of settings.tracing.attributes) attributes.add(each.name, each.read(facts));
  span.error(errorType({ ...outcome, isServer }), outcome.detail);
  addEvents(span, outcome, records);
  return span.encode();
}

function trySpan({ trace, outcome, wall }: HttpSpanParts, record: TryRecord): Uint8Array {
  const { head, times } = outcome;
  const rpc = head && rpcOf(head);
  const endUs = record.endUs || times.endUs;
  const span = new SpanBuilder(trace, wall, {
    spanId: trace.trySpanId(record.number),
    parentSpanId: trace.spanId,
    isParentRemote: false,
    name: nameOf(head, rpc, undefined),
    kind: "client",
    startUs: record.startUs || times.startUs,
    endUs,
  });
  const { attributes } = span;
  if (head !== undefined) {
    attributes.add("http.request.method", methodName(head.method));
    addAuthority(attributes, head.authority);
  }
  addRpc(attributes, rpc, undefined);
  const peer = splitAuthority(record.place);
  attributes
    .add("network.peer.address", peer.host)
    .add("network.peer.port", peer.port)
    .add("weft.destination.workload", record.workload);
  if (record.status > 0) attributes.add("http.response.status_code", record.status);
  if (record.number > 0) attributes.add("http.request.resend_count", record.number);
  if (record.isHedge) attributes.add("weft.try.hedge", true);
  const isGivenUp = record.answeredUs === 0 && record.reason === undefined;
  if (isGivenUp) attributes.add("weft.try.given_up", true);
  span.error(
    errorType({ isServer: false, status: record.status, grpcStatus: undefined, reason: record.reason }),
  );
  if (record.sentUs > 0) span.event("weft.sent", record.sentUs);
  if (record.answeredUs > 0) span.event("weft.answered", record.answeredUs);
  if (record.isEjected === true) span.event("weft.endpoint_ejected", endUs);
  return span.encode();
}

function addEvents(span: SpanBuilder, outcome: HttpOutcome, records: readonly TryRecord[]): void {
  const { times, tries } = outcome;
  if (times.admittedUs > 0) span.event("weft.admitted", times.admittedUs);
  for (const [index, record] of records.entries()) {
    const before = records[index - 1];
    if (before === undefined) continue;
    const why = new Attributes().add("http.request.resend_count", record.number);
    why.add("error.type", before.reason ?? (before.status === 0 ? "" : String(before.status)));
    span.event(record.isHedge ? "weft.hedge" : "weft.retry", record.startUs, why);
  }
  if (tries?.fault !== undefined) {
    const what = new Attributes().add("weft.fault", tries.fault.describe(""));
    span.event("weft.fault_injected", times.admittedUs || times.startUs, what);
  }
  if (times.firstByteUs > 0) span.event("weft.first_byte", times.firstByteUs);
}

interface Rpc {
  readonly service: string;
  readonly method: string;
}

/** Undefined: no gRPC, or its path names no method. */
function rpcOf(head: HttpRequest): Rpc | undefined {
  const contentType = head instanceof RequestHead ? undefined : head.get("content-type");
  if (contentType === undefined || !isGrpcContentType(contentType)) return undefined;
  const [, service = "", method = "", ...rest] = head.path.split("/");
  return service === "" || method === "" || rest.length > 0 ? undefined : { service, method };
}

/** The path's template, where a policy has one for it: what it makes of a path is the same for many. */
function routeOf(head: HttpRequest, settings: PreparedTelemetry): string | undefined {
  const told = settings.accessLog.redaction.path(head.path);
  return told === head.path ? undefined : told;
}

/** Few different ones, by what OpenTelemetry's conventions take for that. */
function nameOf(head: HttpRequest | undefined, rpc: Rpc | undefined, route: string | undefined): string {
  if (rpc !== undefined) return bounded(`${rpc.service}/${rpc.method}`);
  const method = head === undefined ? "_OTHER" : methodName(head.method);
  const verb = method === "_OTHER" ? "HTTP" : method;
  return route === undefined ? verb : bounded(`${verb} ${route}`);
}

const maxNameLength = 256;

function bounded(name: string): string {
  return name.slice(0, maxNameLength);
}

function addHead(
  attributes: Attributes,
  head: HttpRequest,
  { outcome, settings, route }: HttpSpanParts & { readonly route: string | undefined },
): void {
  const { redaction } = settings.accessLog;
  const method = methodName(head.method);
  attributes.add("http.request.method", method);
  if (method === "_OTHER") attributes.add("http.request.method_original", head.method);
  attributes
    .add("url.scheme", outcome.scheme)
    .add("url.path", route ?? head.path)
    .add("url.query", head.query === "" ? undefined : redaction.query(head.query))
    .add("http.route", route);
  addAuthority(attributes, head.authority);
  attributes
    .add("network.protocol.name", "http")
    .add("network.protocol.version", head instanceof RequestHead ? `1.${head.versionMinor}` : "2");
  if (!redaction.hidesHeader("user-agent")) attributes.add("user_agent.original", head.get("user-agent"));
}

function addAuthority(attributes: Attributes, authority: string): void {
  const { host, port } = splitAuthority(authority);
  attributes.add("server.address", host).add("server.port", port);
}

function addRpc(attributes: Attributes, rpc: Rpc | undefined, grpcStatus: number | undefined): void {
  if (rpc === undefined) return;
  attributes
    .add("rpc.system", "grpc")
    .add("rpc.service", rpc.service)
    .add("rpc.method", rpc.method)
    .add("rpc.grpc.status_code", grpcStatus);
}

/** A server's peer is its client; a client's is the endpoint of the newest try. */
function addPeer(attributes: Attributes, outcome: HttpOutcome, isServer: boolean): void {
  if (isServer) {
    attributes.add("network.peer.address", outcome.peerAddress).add("client.address", outcome.peerAddress);
    return;
  }
  const { host, port } = splitAuthority(outcome.tries?.place ?? "");
  attributes.add("network.peer.address", host).add("network.peer.port", port);
}
