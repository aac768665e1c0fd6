/** Lines of text formats: every operator, golden lines, and what peers cannot do to them. */
import { describe, expect, test } from "bun:test";
import { hostname } from "node:os";
import * as fc from "fast-check";
import { type LogOperator, logOperators } from "../../decide/telemetry/index.ts";
import type { HttpOutcome, TcpOutcome } from "../observation/index.ts";
import { testFacts } from "./testing/test-facts.ts";
import {
  frameOf,
  http2Head,
  httpOutcome,
  logSettings,
  plainRedaction,
  requestHead,
  tcpOutcome,
  testEdge,
  testTries,
} from "./testing/test-outcome.ts";
import { TextLines } from "./text-lines.ts";

const trace = {
  traceId: "a".repeat(32),
  spanId: "b".repeat(16),
  keepsHttp: () => true,
  keepsTcp: () => true,
};
const envoy =
  '[%START_TIME%] "%REQ(:METHOD)% %REQ(X-ENVOY-ORIGINAL-PATH?:PATH)% %PROTOCOL%" %RESPONSE_CODE% %RESPONSE_FLAGS% ' +
  '%BYTES_RECEIVED% %BYTES_SENT% %DURATION% %RESP(X-ENVOY-UPSTREAM-SERVICE-TIME)% "%REQ(X-FORWARDED-FOR)%" ' +
  '"%REQ(USER-AGENT)%" "%REQ(X-REQUEST-ID)%" "%REQ(:AUTHORITY)%" "%UPSTREAM_HOST%"\n';

function line(textFormat: string, outcome: HttpOutcome | TcpOutcome, settings = logSettings()): string {
  const frame = frameOf({ settings: { ...settings, textFormat }, facts: testFacts() });
  const lines = new TextLines();
  const written = "status" in outcome ? lines.http(outcome, frame) : lines.tcp(outcome, frame);
  expect(written.indexOf("\n")).toBe(written.length - 1);
  return written.slice(0, -1);
}

const rich = httpOutcome({
  grpcStatus: 1,
  traceId: trace.traceId,
  trace,
  reason: "upstream_tls_failed",
  detail: "handshake failed",
  status: 503,
  policy: { policy: "AuthorizationPolicy pay/cards", policyRule: "staff", policyVerdict: "allowed" },
  tries: testTries({ place: "[::1]:8080", count: 2 }),
  times: { startUs: 1_000, admittedUs: 2_000, firstByteUs: 6_000, endUs: 13_000 },
});
const settings = logSettings({ fields: [{ name: "tenant", read: () => "acme" }] });

/** As the rich exchange has it; then, where it says something else, a raw connection. */
const expected: Readonly<Record<LogOperator, readonly [argument: string, http: string, tcp?: string]>> = {
  START_TIME: ["", "2026-01-02T03:04:05.665Z", "2026-01-02T03:04:05.673Z"],
  EMIT_TIME: ["(%H:%M)", "03:04", "03:04"],
  REQ: ["(x-none?user-agent):4", "curl"],
  RESP: ["(content-type)", "text/plain"],
  TRAILER: ["(grpc-status)", "1"],
  PROTOCOL: ["", "HTTP/1.1"],
  UPSTREAM_PROTOCOL: ["", "HTTP/1.1"],
  RESPONSE_CODE: ["", "503", "0"],
  RESPONSE_CODE_DETAILS: ["", "upstream_tls_failed"],
  RESPONSE_FLAGS: ["", "UF,URX"],
  RESPONSE_FLAGS_LONG: ["", "UpstreamConnectionFailure,UpstreamRetryLimitExceeded"],
  CONNECTION_TERMINATION_DETAILS: ["", "-"],
  BYTES_RECEIVED: ["", "0", "10"],
  BYTES_SENT: ["", "123", "20"],
  DURATION: ["", "12", "5"],
  REQUEST_DURATION: ["", "0"],
  RESPONSE_DURATION: ["", "5"],
  RESPONSE_TX_DURATION: ["", "7"],
  UPSTREAM_HOST: ["", "[::1]:8080", "[::1]:5432"],
  UPSTREAM_REMOTE_ADDRESS: ["", "[::1]:8080", "[::1]:5432"],
  UPSTREAM_REMOTE_ADDRESS_WITHOUT_PORT: ["", "[::1]", "[::1]"],
  UPSTREAM_REMOTE_PORT: ["", "8080", "5432"],
  UPSTREAM_CLUSTER: ["", "pay/card:80", "pay/card:80"],
  UPSTREAM_CLUSTER_RAW: ["", "pay/card:80", "pay/card:80"],
  UPSTREAM_LOCAL_ADDRESS: ["", "-"],
  UPSTREAM_PEER_URI_SAN: ["", "spiffe://mesh/ns/pay/sa/card", "spiffe://mesh/ns/pay/sa/card"],
  UPSTREAM_REQUEST_ATTEMPT_COUNT: ["", "2", "1"],
  UPSTREAM_TRANSPORT_FAILURE_REASON: ["", "handshake failed"],
  DOWNSTREAM_REMOTE_ADDRESS: ["", "10.0.0.1", "10.0.0.1"],
  DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT: ["", "10.0.0.1", "10.0.0.1"],
  DOWNSTREAM_DIRECT_REMOTE_ADDRESS: ["", "10.0.0.1", "10.0.0.1"],
  DOWNSTREAM_DIRECT_REMOTE_ADDRESS_WITHOUT_PORT: ["", "10.0.0.1", "10.0.0.1"],
  DOWNSTREAM_LOCAL_ADDRESS: ["", "-"],
  DOWNSTREAM_PEER_URI_SAN: ["", "-"],
  DOWNSTREAM_PEER_SUBJECT: ["", "-"],
  REQUESTED_SERVER_NAME: ["", "-"],
  ROUTE_NAME: ["", "pay/cards/rules[0]"],
  GRPC_STATUS: ["", "Canceled"],
  GRPC_STATUS_NUMBER: ["", "1"],
  TRACE_ID: ["", trace.traceId],
  SPAN_ID: ["", trace.spanId],
  STREAM_ID: ["", "0f8fad5b-d9cb-469f-a165-70867728950e"],
  ACCESS_LOG_TYPE: ["", "DownstreamEnd", "TcpConnectionEnd"],
  HOSTNAME: ["", hostname(), hostname()],
  WEFT_DIRECTION: ["", "outbound", "outbound"],
  WEFT_SOURCE_WORKLOAD: ["", "shop/web-1", "shop/web-1"],
  WEFT_SOURCE_IDENTITY: ["", "spiffe://mesh/ns/shop/sa/web", "spiffe://mesh/ns/shop/sa/web"],
  WEFT_DESTINATION_WORKLOAD: ["", "pay/card-1", "pay/card-1"],
  WEFT_DESTINATION_SERVICE: ["", "pay/card", "pay/card"],
  WEFT_REASON: ["", "upstream_tls_failed"],
  WEFT_DETAIL: ["", "handshake failed"],
  WEFT_POLICY: ["", "AuthorizationPolicy pay/cards"],
  WEFT_POLICY_RULE: ["", "staff"],
  WEFT_REVISION: ["", "7", "7"],
  WEFT_FIELD: ["(tenant)", "acme", "acme"],
};

describe("operators", () => {
  test("every one has a row below", () => {
    expect(Object.keys(expected)).toEqual(Object.keys(logOperators));
  });

  test.each(Object.entries(expected))("%s", (operator, [argument, http, tcp = "-"]) => {
    expect(line(`<%${operator}${argument}%>`, rich, settings)).toBe(`<${http}>`);
    expect(line(`<%${operator}${argument}%>`, tcpOutcome(), settings)).toBe(`<${tcp}>`);
  });

  test.each([
    ["%REQ(:METHOD)% %REQ(:AUTHORITY)% %REQ(:SCHEME)%", "GET card.pay http"],
    ["%RESP(:STATUS)%", "200"],
    ["%REQ(HOST)% %REQ(X-REQUEST-ID):8%", "card.pay 0f8fad5b"],
    ["%GRPC_STATUS(SNAKE_STRING)% %GRPC_STATUS(NUMBER)%", "CANCELLED 1"],
    ["%RESPONSE_CODE_DETAILS:8%%%", "upstream%"],
  ])("%s", (format, text) => {
    expect(line(format, rich)).toBe(text);
  });

  test("details say who answered where nothing failed", () => {
    expect(line("%RESPONSE_CODE_DETAILS% %RESPONSE_FLAGS%", httpOutcome())).toBe("via_upstream -");
    expect(line("%RESPONSE_CODE_DETAILS%", httpOutcome({ response: undefined }))).toBe("direct_response");
    const reset = tcpOutcome({ reason: "upstream_reset" });
    expect(line("%CONNECTION_TERMINATION_DETAILS% %RESPONSE_FLAGS%", reset)).toBe("upstream_reset UC");
  });

  test("the caller's identity is told by the side that saw its certificate", () => {
    const inbound = httpOutcome({ edge: testEdge({ direction: "inbound" }) });
    expect(line("%DOWNSTREAM_PEER_URI_SAN% %UPSTREAM_PEER_URI_SAN%", inbound)).toBe(
      "spiffe://mesh/ns/shop/sa/web -",
    );
  });

  test("of HTTP/2", () => {
    const head = http2Head([
      [":method", "POST"],
      [":path", "/a?b"],
    ]);
    expect(line("%PROTOCOL% %REQ(:PATH)% %REQ(:PROTOCOL)%", httpOutcome({ head }))).toBe("HTTP/2 /a -");
  });
});

test("Envoy's default format, word for word", () => {
  expect(line(envoy, httpOutcome())).toBe(
    '[2026-01-02T03:04:05.665Z] "GET /cards/7 HTTP/1.1" 200 - 0 123 12 - "-" "curl/8" ' +
      '"0f8fad5b-d9cb-469f-a165-70867728950e" "card.pay" "10.0.0.9:8080"',
  );
});

describe("redaction", () => {
  test("hides headers and query, and tells of the query what it may", () => {
    const format = "%REQ(:PATH)% %REQ(AUTHORIZATION)% %RESP(SET-COOKIE)% %REQ(COOKIE)%";
    expect(line(format, httpOutcome())).toBe("/cards/7 *** *** -");
    const redaction = { ...plainRedaction, query: () => "token=***", path: () => "/cards/{card}" };
    expect(line(format, httpOutcome(), logSettings({ redaction }))).toBe("/cards/{card}?token=*** *** *** -");
  });

  test("a caller's own x-envoy-original-path is not taken for a path", () => {
    const head = requestHead("GET /a HTTP/1.1\r\nhost: a\r\nx-envoy-original-path: /b?token=1");
    expect(line("%REQ(X-ENVOY-ORIGINAL-PATH?:PATH)%", httpOutcome({ head }))).toBe("/a");
  });
});

describe("hostile values", () => {
  test("are escaped byte for byte", () => {
    const head = requestHead('GET / HTTP/1.1\r\nhost: a\r\nuser-agent: "\\\u00c3\u00a9\u00ff\t<b>');
    expect(line('"%REQ(USER-AGENT)%"', httpOutcome({ head }))).toBe('"\\x22\\x5C\\xC3\\xA9\\xFF\\x09<b>"');
    expect(line("%WEFT_DETAIL%", httpOutcome({ detail: "\u001b[31m\n€\ud800" }))).toBe(
      "\\x1B[31m\\x0A\\xE2\\x82\\xAC\\xEF\\xBF\\xBD",
    );
  });

  test("never break a line or the quotation marks around them", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary", maxLength: 40 }), (said) => {
        const outcome = httpOutcome({
          ...{ detail: said, requestId: said, rule: said, tries: testTries({ place: said }) },
          head: http2Head([
            [":method", said],
            [":path", said],
            [":authority", said],
            ["x", said],
          ]),
        });
        const written = line(
          '"%REQ(:METHOD)%" "%REQ(:PATH)%" "%REQ(:AUTHORITY)%" "%REQ(X)%" "%WEFT_DETAIL%" "%STREAM_ID%" "%UPSTREAM_HOST%" "%ROUTE_NAME%"',
          outcome,
        );
        expect(written).toMatch(/^[ -~]*$/);
        expect(written.split('"').length).toBe(17);
      }),
    );
  });

  test("are cut where the format gives no length", () => {
    expect(line("%WEFT_DETAIL%", httpOutcome({ detail: "x".repeat(1e6) })).length).toBe(2_048);
  });
});

test("what a format could not be checked for is written as it stands, on one line", () => {
  expect(line("%NEWER(x)% %DURATION% \u001b\na", httpOutcome())).toBe("%NEWER(x)% 12 \\x1B\\x0Aa");
});
