/** What holds of what is said: the route's over the proxy's over the defaults, and what expressions make of an exchange. */
import { describe, expect, test } from "bun:test";
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import {
  AccessLogFormat,
  type ExpressionSchema,
  ExpressionOperator as Operator,
  type RedactionSchema,
  TelemetrySchema,
  TracePropagation,
} from "../../model/index.ts";
import { defaults } from "./defaults.ts";
import { prepareTelemetry } from "./prepare.ts";
import { facts, httpFacts } from "./testing/facts.ts";

type Expr = MessageInitShape<typeof ExpressionSchema>;
type Said = MessageInitShape<typeof TelemetrySchema>;

function read(name: string, ...keys: string[]): Expr {
  return { kind: { case: "attribute", value: { name, keys } } };
}

function call(operator: Operator, ...args: Expr[]): Expr {
  return { kind: { case: "call", value: { operator, arguments: args } } };
}

function number(value: number): Expr {
  return { kind: { case: "value", value: { kind: { case: "number", value } } } };
}

function prepared(base: Said | undefined, route?: Said) {
  return prepareTelemetry(base && create(TelemetrySchema, base), route && create(TelemetrySchema, route));
}

/** What a field with this expression says of an exchange. */
function told(
  value: Expr,
  of = facts(),
  redaction: MessageInitShape<typeof RedactionSchema> = {},
): string | undefined {
  const { accessLog } = prepared({ accessLog: { fields: [{ name: "x", value }], redaction } });
  return accessLog.fields[0]?.read(of);
}

describe("settings", () => {
  test("are the defaults where nobody says anything", () => {
    const { collectors, metrics, tracing, accessLog } = prepared(undefined);
    expect(collectors).toEqual([]);
    expect(metrics).toMatchObject({ ...defaults.metrics, labels: [], dropped: new Set() });
    expect(tracing).toMatchObject({ ...defaults.tracing, isEnabled: false, attributes: [] });
    expect(accessLog).toMatchObject({ samplingPpm: 1_000_000, toFile: true, fields: [] });
    expect(accessLog.isEnabled).toBeUndefined();
    expect(accessLog.textFormat).toBeUndefined();
    expect(accessLog.filter).toBeUndefined();
  });

  test("of the route win field by field, and 0 where it was said", () => {
    const { metrics, tracing, accessLog } = prepared(
      {
        metrics: { enabled: false, droppedLabels: ["a"], maxSeries: 7, istioNames: true },
        tracing: { samplingPpm: 5, keepsErrors: false, propagation: [TracePropagation.B3] },
        accessLog: { enabled: true, samplingPpm: 9 },
      },
      {
        metrics: { enabled: true },
        tracing: { samplingPpm: 0, keepsSlowerThanMs: 0 },
        accessLog: { file: false },
      },
    );
    expect(metrics).toMatchObject({ isEnabled: true, maxSeries: 7, hasIstioNames: true });
    expect([...metrics.dropped]).toEqual(["a"]);
    expect(tracing).toMatchObject({
      samplingPpm: 0,
      keepsErrors: false,
      keepsSlowerThanMs: 0,
      propagation: [TracePropagation.B3],
    });
    expect(accessLog).toMatchObject({ isEnabled: true, samplingPpm: 9, toFile: false });
  });

  test("make spans where a collector takes them, unless somebody says otherwise", () => {
    const collectors = [{ cluster: "a", traces: true }];
    expect(prepared({ collectors }).tracing.isEnabled).toBe(true);
    expect(prepared({ collectors: [{ cluster: "a", logs: true }] }).tracing.isEnabled).toBe(false);
    expect(prepared({ collectors }, { tracing: { enabled: false } }).tracing.isEnabled).toBe(false);
  });

  test("write text where it was asked for, in Envoy's format unless another is given", () => {
    const text = { format: AccessLogFormat.TEXT };
    expect(prepared({ accessLog: text }).accessLog.textFormat).toBe(defaults.accessLog.textFormat);
    const base = { accessLog: { ...text, textFormat: "%DURATION%" } };
    expect(prepared(base).accessLog.textFormat).toBe("%DURATION%");
    expect(prepared(base, { accessLog: { format: AccessLogFormat.JSON } }).accessLog.textFormat).toBe(
      undefined,
    );
  });

  test("hide what either of them hides", () => {
    const { redaction } = prepared(
      { accessLog: { redaction: { headers: ["x-a"], logsQuery: true } } },
      { accessLog: { redaction: { headers: ["x-b"], queryParameters: ["token"] } } },
    ).accessLog;
    expect(["x-a", "x-b", "cookie", "x-c"].map((name) => redaction.hidesHeader(name))).toEqual([
      true,
      true,
      true,
      false,
    ]);
    expect(redaction.query("token=a&page=2")).toBe("token=***&page=2");
  });
});

describe("expressions", () => {
  test("read what is known of an exchange", () => {
    const http = httpFacts({ headers: { "x-user": "ann" }, grpcStatus: 5 });
    const of = facts({ http });
    const values: [Expr, string][] = [
      [read("direction"), "outbound"],
      [read("source.namespace"), "shop"],
      [read("destination.namespace"), "back"],
      [read("destination.port"), "80"],
      [read("connection.mtls"), "true"],
      [read("duration_ms"), "12"],
      [read("request.path"), "/carts/7"],
      [read("request.host"), "shop.example"],
      [read("request.headers", "x-user"), "ann"],
      [read("response.headers", "X-User"), "ann"],
      [read("response.code"), "200"],
      [read("response.grpc_status"), "5"],
      [call(Operator.EQUAL, read("response.code"), number(200)), "true"],
    ];
    for (const [expression, text] of values) expect(told(expression, of)).toBe(text);
  });

  test("are empty where something is absent, also at raw connections", () => {
    expect(told(read("reason"))).toBe("");
    expect(told(read("request.headers", "x-none"))).toBe("");
    expect(told(read("request.method"), facts({ http: undefined }))).toBe("");
    expect(told(call(Operator.HAS, read("request.method")), facts({ http: undefined }))).toBe("false");
    expect(told(read("no.such"))).toBe("");
    expect(told({})).toBe("");
  });

  test("find the namespace of an identity where no workload is known", () => {
    expect(told(read("source.namespace"), facts({ sourceWorkload: "" }))).toBe("shop");
    expect(told(read("source.namespace"), facts({ sourceWorkload: "", sourceIdentity: "" }))).toBe("");
  });

  test("do not tell what is hidden, and tell paths as templates have them", () => {
    const settings = { headers: ["x-in*"], pathTemplates: ["/carts/{id}"] };
    const of = facts({ http: httpFacts({ headers: { "x-in-a": "1", cookie: "c", "x-b": "2" } }) });
    expect(told(read("request.headers", "x-in-a"), of, settings)).toBe("");
    expect(told(read("request.headers", "cookie"), of, settings)).toBe("");
    expect(told(read("request.headers", "x-b"), of, settings)).toBe("2");
    expect(told(read("request.path"), of, settings)).toBe("/carts/{id}");
  });

  test("are cut, and never within a character", () => {
    const long = "\u{1f600}".repeat(3_000);
    const of = facts({ http: httpFacts({ headers: { "x-a": `a${long}` } }) });
    const text = told(read("request.headers", "x-a"), of) ?? "";
    expect(text.length).toBe(2_048);
    expect(text.isWellFormed()).toBe(true);
  });
});

describe("filters", () => {
  const failed = call(Operator.GREATER_OR_EQUAL, read("response.code"), number(500));
  const { filter } = prepared({ accessLog: { filter: failed } }).accessLog;

  test("leave out what they are false for, and nothing that they cannot tell", () => {
    expect(filter?.(facts())).toBe(false);
    expect(filter?.(facts({ http: httpFacts({ status: 503 }) }))).toBe(true);
    expect(filter?.(facts({ http: undefined }))).toBe(true);
  });

  test("see what is hidden: they tell nothing", () => {
    const hasToken = call(Operator.HAS, read("request.headers", "authorization"));
    const { accessLog } = prepared({ accessLog: { filter: hasToken } });
    expect(accessLog.filter?.(facts({ http: httpFacts({ headers: { authorization: "x" } }) }))).toBe(true);
    expect(accessLog.filter?.(facts())).toBe(false);
  });
});
