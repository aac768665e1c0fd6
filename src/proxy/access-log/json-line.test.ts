/** JSON lines: what stands in them, and that no peer can break one. */
import { describe, expect, test } from "bun:test";
import * as fc from "fast-check";
import { encodeAdded, jsonFields } from "./json-fields.ts";
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
import { encodeHttpLine, encodeTcpLine } from "./testing/encoded-lines.ts";
import { testFacts } from "./testing/test-facts.ts";

const trace = {
  traceId: "a".repeat(32),
  spanId: "b".repeat(16),
  keepsHttp: () => true,
  keepsTcp: () => true,
};
const policy = { policy: "AuthorizationPolicy pay/cards", policyRule: "rules[0]", policyVerdict: "denied" };

function parse(line: string): Record<string, unknown> {
  expect(line.indexOf("\n")).toBe(line.length - 1);
  const parsed: Record<string, unknown> = JSON.parse(line);
  return parsed;
}

describe("a JSON line", () => {
  test("of an exchange that went well", () => {
    expect(encodeHttpLine(httpOutcome(), frameOf(), "")).toBe(
      '{"time":"2026-01-02T03:04:05.678Z","direction":"outbound","protocol":"http","source_workload":"shop/web-1",' +
        '"source_identity":"spiffe://mesh/ns/shop/sa/web","source_namespace":"shop","destination_workload":"pay/card-1",' +
        '"destination_identity":"spiffe://mesh/ns/pay/sa/card","destination_service":"pay/card","destination_port":80,' +
        '"destination_namespace":"pay","destination_version":"v2","route":"pay/cards","mtls":true,"rule":"rules[0]",' +
        '"request_id":"0f8fad5b-d9cb-469f-a165-70867728950e","method":"GET","scheme":"http","authority":"card.pay",' +
        '"path":"/cards/7","http_version":"1.1","user_agent":"curl/8","status":200,"peer":"10.0.0.1",' +
        '"upstream":"10.0.0.9:8080","attempts":1,"request_bytes":0,"response_bytes":123,"duration_us":12346,"revision":7}\n',
    );
  });

  test("of a connection that a policy refused", () => {
    const line = encodeTcpLine(
      tcpOutcome({ reason: "authorization_denied", policy, requestId: "c-1", detail: "no rule" }),
      frameOf(),
      "",
    );
    const parsed = parse(line);
    expect(parsed).toMatchObject({
      reason: "authorization_denied",
      policy: policy.policy,
      request_id: "c-1",
    });
    expect(parsed["method"]).toBeUndefined();
  });

  test("has all the fields of the table in its order, and no other", () => {
    const places = { sourceVersion: "v1", sourceLocality: "eu/a", destinationLocality: "eu/b" };
    const outcome = httpOutcome({
      ...{ edge: testEdge(places), grpcStatus: 0, reason: "authorization_denied", policy, detail: "d" },
      ...{ traceId: trace.traceId, trace },
      times: { startUs: 1_000, admittedUs: 1_500, firstByteUs: 3_000, endUs: 9_000 },
    });
    const redaction = { ...plainRedaction, query: (raw: string) => raw };
    const line = encodeHttpLine(outcome, frameOf({ settings: logSettings({ redaction }) }), "");
    const parsed = parse(line);
    expect(Object.keys(parsed)).toEqual(jsonFields.map(({ name }) => name));
    for (const { name, type } of jsonFields) {
      expect([name, typeof parsed[name]]).toEqual([name, type === "text" ? "string" : type]);
    }
    expect(parsed).toMatchObject({ admitted_us: 500, first_byte_us: 2_000, query: "token=secret" });
  });

  test("keeps the query and what is hidden to itself", () => {
    const redaction = {
      ...plainRedaction,
      hidesHeader: (name: string) => name === "user-agent",
      path: () => "/cards/{card}",
    };
    expect(encodeHttpLine(httpOutcome(), frameOf(), "")).not.toContain("secret");
    const parsed = parse(
      encodeHttpLine(httpOutcome(), frameOf({ settings: logSettings({ redaction }) }), ""),
    );
    expect(parsed["path"]).toBe("/cards/{card}");
    expect(parsed["query"]).toBeUndefined();
    expect(parsed["user_agent"]).toBeUndefined();
  });

  test("of a head that could not be read, and of HTTP/2", () => {
    const unread = parse(
      encodeHttpLine(httpOutcome({ head: undefined, status: 400, tries: undefined }), frameOf(), ""),
    );
    expect(unread).toMatchObject({ method: "", path: "", status: 400, upstream: "", attempts: 0 });
    const head = http2Head([
      [":method", "POST"],
      [":scheme", "https"],
      [":authority", "card.pay"],
      [":path", "/pay.Cards/List"],
    ]);
    expect(parse(encodeHttpLine(httpOutcome({ head, grpcStatus: 14 }), frameOf(), ""))).toMatchObject({
      http_version: "2",
      grpc_status: 14,
      path: "/pay.Cards/List",
    });
    expect(
      parse(encodeHttpLine(httpOutcome({ head: requestHead("GET / HTTP/1.0") }), frameOf(), "")),
    ).toMatchObject({
      http_version: "1.0",
    });
  });

  test("is one line without control characters whatever a peer says, and says it unchanged", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary", maxLength: 40 }), (said) => {
        const outcome = httpOutcome({
          ...{ detail: `x${said}`, requestId: said, peerAddress: said, rule: `r${said}` },
          tries: testTries({ place: said }),
          head: http2Head([
            [":method", "GET"],
            [":path", said],
            [":authority", said],
            ["user-agent", `u${said}`],
          ]),
        });
        const line = encodeHttpLine(outcome, frameOf(), "");
        // oxlint-disable-next-line no-control-regex
        expect(line.slice(0, -1)).not.toMatch(/[\u0000-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e]/);
        const [path = ""] = said.split("?");
        expect(parse(line)).toMatchObject({
          ...{ detail: `x${said}`, request_id: said, peer: said, rule: `r${said}`, upstream: said },
          ...{ path, authority: said, user_agent: `u${said}` },
        });
      }),
    );
  });

  test("cuts texts of absurd length", () => {
    const line = encodeHttpLine(httpOutcome({ detail: "/".repeat(100_000) }), frameOf(), "");
    expect(line.length).toBeLessThan(3_500);
    parse(line);
  });

  test("takes fields that policies add, but not in the place of its own", () => {
    const fields = [
      { name: "tenant", read: () => 'a"\n' },
      { name: "status", read: () => "1" },
      { name: "empty", read: () => "" },
    ];
    const added = encodeAdded(fields, testFacts());
    const parsed = parse(encodeHttpLine(httpOutcome(), frameOf(), added));
    expect(parsed["tenant"]).toBe('a"\n');
    expect(parsed["status"]).toBe(200);
    expect(Object.keys(parsed)).not.toContain("empty");
  });
});
