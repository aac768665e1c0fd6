/** What a tap tells of an exchange or connection that has ended. Whatever a peer chose is cut to a bound. */
import { create } from "@bufbuild/protobuf";
import { defaultRedaction } from "../../decide/telemetry/index.ts";
import { RequestHead } from "../../http1/index.ts";
import { Direction, type TapRecord, TapRecordSchema, type TapTry, TapTrySchema } from "../../wire/index.ts";
import type { HttpRequest } from "../http/index.ts";
import type { HttpOutcome, TcpOutcome, TryRecord } from "../observation/index.ts";
import { parseTraceparent } from "../tracing/parent-context.ts";
import { CapturedBodies } from "./captured-bodies.ts";
import { tapHeaders } from "./tap-headers.ts";
import type { PreparedOrder } from "./tap-order.ts";

/** What is not the outcome's. */
export interface RecordParts {
  /** Whose filter it passed; not empty. */
  readonly orders: readonly PreparedOrder[];
  /** "namespace/workload" */
  readonly proxy: string;
  readonly revision: number;
  /** Wall clock. */
  readonly nowMs: number;
}

const maxTextLength = 2_048;
const maxTries = 32;

export function httpRecord(outcome: HttpOutcome, parts: RecordParts): TapRecord {
  const { head, response, times, tries } = outcome;
  const redaction = outcome.telemetry?.accessLog.redaction ?? defaultRedaction;
  const hasHeaders = parts.orders.some((order) => order.hasHeaders);
  const record = create(TapRecordSchema, {
    ...edgeFields(outcome, parts),
    rule: outcome.rule,
    protocol: head === undefined ? "" : protocolOf(head),
    scheme: outcome.scheme,
    status: outcome.status,
    grpcStatus: outcome.grpcStatus === undefined ? 0 : outcome.grpcStatus + 1,
    detail: cut(tries?.fault?.describe(outcome.detail) ?? outcome.detail),
    admittedUs: since(times.startUs, times.admittedUs),
    firstByteUs: since(times.startUs, times.firstByteUs),
    tries: (tries?.records ?? []).slice(0, maxTries).map((each) => tryOf(each, times.startUs)),
  });
  if (head !== undefined) {
    record.method = cut(head.method);
    record.authority = cut(head.authority);
    record.path = cut(redaction.path(head.path));
    record.query = cut(redaction.query(head.query) ?? "");
    [record.traceId, record.parentSpanId] = traceOf(head);
  }
  if (hasHeaders) {
    record.requestHeaders = tapHeaders(head, redaction);
    record.responseHeaders = tapHeaders(response, redaction);
  }
  if (outcome.bodies instanceof CapturedBodies && parts.orders.some((order) => order.maxBodyBytes > 0)) {
    record.requestBody = Uint8Array.from(outcome.bodies.request);
    record.responseBody = Uint8Array.from(outcome.bodies.response);
  }
  return record;
}

export function tcpRecord(outcome: TcpOutcome, parts: RecordParts): TapRecord {
  const { upstreamAddress, edge } = outcome;
  const tries =
    upstreamAddress === ""
      ? []
      : [
          create(TapTrySchema, {
            address: upstreamAddress,
            workload: edge.labels.destinationWorkload,
            endUs: micros(outcome.durationUs),
            outcome: outcome.reason ?? "ok",
          }),
        ];
  const detail = cut(outcome.detail);
  return create(TapRecordSchema, { ...edgeFields(outcome, parts), protocol: "tcp", detail, tries });
}

function edgeFields(outcome: HttpOutcome | TcpOutcome, { orders, proxy, revision, nowMs }: RecordParts) {
  const { labels } = outcome.edge;
  return {
    orders: orders.map(({ id }) => id),
    proxy,
    revision: BigInt(revision),
    direction: labels.direction === "outbound" ? Direction.OUTBOUND : Direction.INBOUND,
    requestId: cut(outcome.requestId),
    startUnixUs: micros(nowMs * 1_000 - outcome.durationUs),
    sourceWorkload: labels.sourceWorkload,
    sourceIdentity: labels.sourceIdentity,
    destinationWorkload: labels.destinationWorkload,
    destinationIdentity: labels.destinationIdentity,
    destinationService: labels.destinationService,
    destinationPort: labels.destinationPort,
    destinationVersion: labels.destinationVersion,
    route: labels.route,
    mtls: labels.mtls,
    reason: outcome.reason ?? "",
    policy: outcome.policy?.policy ?? "",
    policyRule: outcome.policy?.policyRule ?? "",
    requestBytes: micros(outcome.requestBytes),
    responseBytes: micros(outcome.responseBytes),
    peerAddress: outcome.peerAddress,
    endUs: micros(outcome.durationUs),
  };
}

function tryOf(record: TryRecord, startUs: number): TapTry {
  return create(TapTrySchema, {
    address: record.place,
    workload: record.workload,
    startUs: since(startUs, record.startUs),
    connectedUs: since(startUs, record.sentUs),
    firstByteUs: since(startUs, record.answeredUs),
    endUs: since(startUs, record.endUs),
    outcome: record.reason ?? (record.status === 0 ? "" : String(record.status)),
  });
}

/** 0: it did not come to that. */
function since(startUs: number, atUs: number): bigint {
  return atUs === 0 ? 0n : micros(atUs - startUs);
}

function micros(value: number): bigint {
  return BigInt(Math.max(0, Math.round(value)));
}

function protocolOf(head: HttpRequest): string {
  if (head.get("content-type")?.startsWith("application/grpc") === true) return "gRPC";
  return head instanceof RequestHead ? `HTTP/1.${head.versionMinor}` : "HTTP/2";
}

/** The trace that it came with, and the span that it is a child of. */
function traceOf(head: HttpRequest): [string, string] {
  const parent = parseTraceparent(head.get("traceparent") ?? "");
  return [parent?.traceId ?? "", parent?.spanId ?? ""];
}

function cut(text: string): string {
  return text.length > maxTextLength ? text.slice(0, maxTextLength) : text;
}
