/** What each operator of a text format reads. Undefined and empty: there is none, written as `-`. */
import { hostname } from "node:os";
import {
  formatTime,
  type GrpcStatusForm,
  type LogValue,
  type ValueOperator,
} from "../../decide/telemetry/index.ts";
import { grpcCodes, grpcStatusName } from "../../grpc/index.ts";
import { isBodiless, type HttpRequest } from "../http/index.ts";
import type { HttpOutcome, TcpOutcome } from "../observation/index.ts";
import { httpVersion, toldQuery } from "./json-line.ts";
import type { LineFrame } from "./line-frame.ts";
import { longFlags, responseFlags } from "./response-flags.ts";
import { RequestHead, ResponseHead } from "../../http1/index.ts";
import { TimeStamps } from "./time-stamps.ts";

/** One of the two is there. */
export interface Ended {
  readonly outcome: HttpOutcome | TcpOutcome;
  readonly http: HttpOutcome | undefined;
  readonly tcp: TcpOutcome | undefined;
  readonly frame: LineFrame;
}

export type TextReader = (ended: Ended) => string | number | undefined;

/** In the place of a header's value that redaction hides: it came. */
const hidden = "***";
const usPerMs = 1_000;
const thisHost = hostname();

export function readerOf(value: LogValue): TextReader {
  switch (value.kind) {
    case "value":
      return valueReaders[value.operator];
    case "header":
      return headerReader(value.operator, value.name, value.alternative);
    case "time":
      return timeReader(value.operator, value.format);
    case "grpc-status":
      return ({ http }) => grpcStatusText(http?.grpcStatus, value.form);
    case "field":
      return ({ frame }) => addedField(frame, value.name);
  }
}

const upstreamHost: TextReader = ({ http, tcp }) => http?.tries?.place ?? tcp?.upstreamAddress;
const peerAddress: TextReader = ({ outcome }) => outcome.peerAddress;
const notRecorded: TextReader = () => undefined;

const cluster: TextReader = ({ outcome }) => {
  const { destinationService, destinationPort } = outcome.edge.labels;
  return destinationService === "" ? undefined : `${destinationService}:${destinationPort}`;
};

const valueReaders: Readonly<Record<ValueOperator, TextReader>> = {
  PROTOCOL: ({ http }) => http?.head && `HTTP/${httpVersion(http.head)}`,
  UPSTREAM_PROTOCOL: ({ http }) => http?.response && responseProtocol(http.response),
  RESPONSE_CODE: ({ http }) => http?.status ?? 0,
  RESPONSE_CODE_DETAILS: ({ http }) =>
    http && (http.reason ?? (http.response ? "via_upstream" : "direct_response")),
  RESPONSE_FLAGS: ({ outcome }) => responseFlags(outcome).join(","),
  RESPONSE_FLAGS_LONG: ({ outcome }) =>
    responseFlags(outcome)
      .map((flag) => longFlags[flag])
      .join(","),
  CONNECTION_TERMINATION_DETAILS: ({ tcp }) => tcp?.reason,
  BYTES_RECEIVED: ({ outcome }) => outcome.requestBytes,
  BYTES_SENT: ({ outcome }) => outcome.responseBytes,
  DURATION: ({ outcome }) => Math.round(outcome.durationUs / usPerMs),
  REQUEST_DURATION: ({ http }) => (http?.head !== undefined && isBodiless(http.head) ? 0 : undefined),
  RESPONSE_DURATION: ({ http }) => http && between(http.times.startUs, http.times.firstByteUs),
  RESPONSE_TX_DURATION: ({ http }) => http && between(http.times.firstByteUs, http.times.endUs),
  UPSTREAM_HOST: upstreamHost,
  UPSTREAM_REMOTE_ADDRESS: upstreamHost,
  UPSTREAM_REMOTE_ADDRESS_WITHOUT_PORT: (ended) => addressOf(upstreamHost(ended)),
  UPSTREAM_REMOTE_PORT: (ended) => portOf(upstreamHost(ended)),
  UPSTREAM_CLUSTER: cluster,
  UPSTREAM_CLUSTER_RAW: cluster,
  UPSTREAM_LOCAL_ADDRESS: notRecorded,
  UPSTREAM_PEER_URI_SAN: ({ outcome: { edge } }) =>
    edge.labels.direction === "outbound" && edge.labels.mtls ? edge.labels.destinationIdentity : undefined,
  UPSTREAM_REQUEST_ATTEMPT_COUNT: ({ http, tcp }) => http?.tries?.count ?? tcp?.attempts ?? 0,
  UPSTREAM_TRANSPORT_FAILURE_REASON: ({ outcome: { reason, detail } }) =>
    reason !== undefined && transportReasons.has(reason) ? detail || reason : undefined,
  DOWNSTREAM_REMOTE_ADDRESS: peerAddress,
  DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT: peerAddress,
  DOWNSTREAM_DIRECT_REMOTE_ADDRESS: peerAddress,
  DOWNSTREAM_DIRECT_REMOTE_ADDRESS_WITHOUT_PORT: peerAddress,
  DOWNSTREAM_LOCAL_ADDRESS: notRecorded,
  DOWNSTREAM_PEER_URI_SAN: ({ outcome: { edge } }) =>
    edge.labels.direction === "inbound" && edge.labels.mtls ? edge.labels.sourceIdentity : undefined,
  DOWNSTREAM_PEER_SUBJECT: notRecorded,
  REQUESTED_SERVER_NAME: notRecorded,
  ROUTE_NAME: ({ outcome, http }) => {
    const { route } = outcome.edge.labels;
    return http === undefined || http.rule === "" || route === "" ? route : `${route}/${http.rule}`;
  },
  GRPC_STATUS_NUMBER: ({ http }) => http?.grpcStatus,
  TRACE_ID: ({ outcome }) => outcome.traceId,
  SPAN_ID: ({ outcome }) => (outcome.traceId === undefined ? undefined : outcome.trace?.spanId),
  STREAM_ID: ({ outcome }) => outcome.requestId,
  ACCESS_LOG_TYPE: ({ http }) => (http === undefined ? "TcpConnectionEnd" : "DownstreamEnd"),
  HOSTNAME: () => thisHost,
  WEFT_DIRECTION: ({ outcome }) => outcome.edge.labels.direction,
  WEFT_SOURCE_WORKLOAD: ({ outcome }) => outcome.edge.labels.sourceWorkload,
  WEFT_SOURCE_IDENTITY: ({ outcome }) => outcome.edge.labels.sourceIdentity,
  WEFT_DESTINATION_WORKLOAD: ({ outcome }) => outcome.edge.labels.destinationWorkload,
  WEFT_DESTINATION_SERVICE: ({ outcome }) => outcome.edge.labels.destinationService,
  WEFT_REASON: ({ outcome }) => outcome.reason,
  WEFT_DETAIL: ({ outcome, http }) => http?.tries?.fault?.describe(outcome.detail) ?? outcome.detail,
  WEFT_POLICY: ({ outcome }) => outcome.policy?.policy,
  WEFT_POLICY_RULE: ({ outcome }) => outcome.policy?.policyRule,
  WEFT_REVISION: ({ frame }) => frame.revision,
};

const transportReasons: ReadonlySet<string> = new Set([
  "upstream_tls_failed",
  "backend_tls_failed",
  "upstream_identity_mismatch",
]);

/** Undefined: one of the two did not come, or nobody looked at the clock. */
function between(fromUs: number, toUs: number): number | undefined {
  return fromUs > 0 && toUs > 0 ? Math.round((toUs - fromUs) / usPerMs) : undefined;
}

/** Of "address:port"; IPv6 in brackets or not. */
function addressOf(place: string | number | undefined): string | undefined {
  return typeof place === "string" ? place.slice(0, Math.max(0, place.lastIndexOf(":"))) : undefined;
}

function portOf(place: string | number | undefined): string | undefined {
  return typeof place === "string" ? place.slice(place.lastIndexOf(":") + 1) : undefined;
}

function responseProtocol(response: NonNullable<HttpOutcome["response"]>): string {
  if (!(response instanceof ResponseHead)) return "HTTP/2";
  return response.versionMinor === 0 ? "HTTP/1.0" : "HTTP/1.1";
}

function timeReader(
  operator: "START_TIME" | "EMIT_TIME",
  format: Parameters<typeof formatTime>[0] | undefined,
): TextReader {
  const stamps = new TimeStamps();
  return ({ frame, outcome }) => {
    const timeMs = operator === "EMIT_TIME" ? frame.timeMs : frame.timeMs - outcome.durationUs / usPerMs;
    return format === undefined ? stamps.format(timeMs) : formatTime(format, timeMs);
  };
}

function headerReader(
  operator: "REQ" | "RESP" | "TRAILER",
  name: string,
  alternative: string | undefined,
): TextReader {
  const read = headerSources[operator];
  return (ended) => read(ended, name) || (alternative === undefined ? undefined : read(ended, alternative));
}

const headerSources: Readonly<
  Record<"REQ" | "RESP" | "TRAILER", (ended: Ended, name: string) => string | undefined>
> = {
  REQ: ({ http, frame }, name) => http?.head && requestHeader(http, http.head, { name, frame }),
  RESP: ({ http, frame }, name) => {
    if (name === ":status") return http?.response && String(http.response.status);
    return told(http?.response?.get(name), name, frame);
  },
  TRAILER: ({ http }) => (http?.grpcStatus === undefined ? undefined : String(http.grpcStatus)),
};

function requestHeader(
  http: HttpOutcome,
  head: HttpRequest,
  { name, frame }: { readonly name: string; readonly frame: LineFrame },
): string | undefined {
  switch (name) {
    case ":method":
      return head.method;
    case ":authority":
    case "host":
      return head.authority;
    case ":scheme":
      return http.scheme;
    case ":path":
      return toldTarget(head, frame);
    case ":protocol":
      return head instanceof RequestHead ? head.upgrade : head.protocol;
    case "x-request-id":
      return http.requestId;
    // Envoy's own, of a path that it changed; what comes under this name a caller made up, with a query maybe.
    case "x-envoy-original-path":
      return undefined;
    default:
      return name.startsWith(":") ? undefined : told(head.get(name), name, frame);
  }
}

function told(value: string | undefined, name: string, { settings }: LineFrame): string | undefined {
  return value !== undefined && settings?.redaction.hidesHeader(name) === true ? hidden : value;
}

function toldTarget(head: HttpRequest, { settings }: LineFrame): string {
  if (settings === undefined) return head.path;
  const query = toldQuery(head, settings.redaction);
  const path = settings.redaction.path(head.path);
  return query === undefined ? path : `${path}?${query}`;
}

function addedField({ settings, facts }: LineFrame, name: string): string | undefined {
  return facts && settings?.fields.find((field) => field.name === name)?.read(facts);
}

function grpcStatusText(status: number | undefined, form: GrpcStatusForm): string | number | undefined {
  if (status === undefined || form === "NUMBER") return status;
  const name = grpcStatusName(status);
  if (name === undefined) return String(status);
  if (form !== "CAMEL_STRING" || status === grpcCodes.ok) return name;
  // Envoy's spelling differs from google.rpc.Code's here.
  if (status === grpcCodes.cancelled) return "Canceled";
  return name.toLowerCase().replace(/(?:^|_)([a-z])/g, (_, letter: string) => letter.toUpperCase());
}
