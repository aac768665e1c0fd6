/** What ended, put together by hand: an exchange and a connection that went well, with what a test says instead. */
import type {
  PreparedAccessLog,
  PreparedRedaction,
  PreparedTelemetry,
} from "../../../decide/telemetry/index.ts";
import { type RequestHead, RequestParser, type ResponseHead, ResponseParser } from "../../../http1/index.ts";
import { HeaderFields } from "../../../http2/index.ts";
import { Http2Request, type HttpRequest } from "../../http/index.ts";
import type { HttpOutcome, TcpOutcome, TriesRecord } from "../../observation/index.ts";
import { type EdgeLabels, SeriesRegistry } from "../../telemetry/index.ts";
import { testTelemetry } from "../../testing/test-telemetry.ts";
import type { LineFrame } from "../line-frame.ts";

const http: EdgeLabels = {
  direction: "outbound",
  sourceWorkload: "shop/web-1",
  sourceIdentity: "spiffe://mesh/ns/shop/sa/web",
  destinationWorkload: "pay/card-1",
  destinationIdentity: "spiffe://mesh/ns/pay/sa/card",
  destinationService: "pay/card",
  destinationPort: 80,
  destinationVersion: "v2",
  sourceVersion: "",
  sourceLocality: "",
  destinationLocality: "",
  route: "pay/cards",
  protocol: "http",
  mtls: true,
};

export function testEdge(labels: Partial<EdgeLabels> = {}): HttpOutcome["edge"] {
  return new SeriesRegistry().edge({ ...http, ...labels });
}

/** Throws where it is no head. Bytes as Latin-1, as they come. */
export function requestHead(lines: string): RequestHead {
  const heads: RequestHead[] = [];
  const parser = new RequestParser({ onHead: (head) => heads.push(head), ...quiet });
  parser.push(Buffer.from(`${lines}\r\n\r\n`, "latin1"));
  return only(heads);
}

function responseHead(lines: string): ResponseHead {
  const heads: ResponseHead[] = [];
  const parser = new ResponseParser({ onHead: (head) => heads.push(head), ...quiet });
  parser.expect("GET");
  parser.push(Buffer.from(`${lines}\r\n\r\n`, "latin1"));
  return only(heads);
}

const quiet = { onBody() {}, onMessageEnd() {}, onError() {}, onInterim() {} };

function only<T>(heads: readonly T[]): T {
  const [head] = heads;
  if (head === undefined) throw new Error("it is no head");
  return head;
}

export function http2Head(entries: readonly (readonly [name: string, value: string])[]): HttpRequest {
  return new Http2Request(HeaderFields.of(entries), true);
}

export function testTries(parts: Partial<TriesRecord> = {}): TriesRecord {
  return { place: "10.0.0.9:8080", count: 1, fault: undefined, records: [], ...parts };
}

const wellKnownHead = requestHead(
  "GET /cards/7?token=secret HTTP/1.1\r\nhost: card.pay\r\nuser-agent: curl/8\r\nauthorization: Bearer x",
);

export function httpOutcome(parts: Partial<HttpOutcome> = {}): HttpOutcome {
  return {
    edge: testEdge(),
    rule: "rules[0]",
    head: wellKnownHead,
    response: responseHead("HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\nset-cookie: a=b"),
    scheme: "http",
    requestId: "0f8fad5b-d9cb-469f-a165-70867728950e",
    status: 200,
    grpcStatus: undefined,
    reason: undefined,
    detail: "",
    peerAddress: "10.0.0.1",
    tries: testTries(),
    requestBytes: 0,
    responseBytes: 123,
    durationUs: 12_345.6,
    times: { startUs: 1_000, admittedUs: 0, firstByteUs: 0, endUs: 13_345.6 },
    telemetry: undefined,
    ...parts,
  };
}

export function tcpOutcome(parts: Partial<TcpOutcome> = {}): TcpOutcome {
  return {
    edge: testEdge({ protocol: "tcp", route: "" }),
    requestId: "",
    reason: undefined,
    detail: "",
    peerAddress: "10.0.0.1",
    upstreamAddress: "[::1]:5432",
    attempts: 1,
    requestBytes: 10,
    responseBytes: 20,
    durationUs: 5_000,
    ...parts,
  };
}

export const plainRedaction: PreparedRedaction = {
  hidesHeader: (name) => name === "authorization" || name === "set-cookie",
  query: () => undefined,
  path: (path) => path,
};

export function logSettings(parts: Partial<PreparedAccessLog> = {}): PreparedAccessLog {
  return {
    isEnabled: true,
    textFormat: undefined,
    fields: [],
    filter: undefined,
    samplingPpm: 1_000_000,
    redaction: plainRedaction,
    toFile: true,
    ...parts,
  };
}

/** Without traces. */
export function telemetryOf(accessLog: Partial<PreparedAccessLog>): PreparedTelemetry {
  return testTelemetry({ tracing: { isEnabled: false }, accessLog: logSettings(accessLog) });
}

export function frameOf(parts: Partial<LineFrame> = {}): LineFrame {
  const timeMs = parts.timeMs ?? Date.UTC(2026, 0, 2, 3, 4, 5, 678);
  return {
    timeMs,
    time: new Date(timeMs).toISOString(),
    revision: 7,
    settings: undefined,
    facts: undefined,
    ...parts,
  };
}
