/** What is logged where nobody says anything, and what policies change about it. */
import { describe, expect, test } from "bun:test";
import type { PreparedAccessLog } from "../../decide/telemetry/index.ts";
import { VirtualClock } from "../../kernel/index.ts";
import { AccessLogger } from "./access-logger.ts";
import { AccessLog } from "./log-file.ts";
import type { LogRecord } from "./log-sink.ts";
import { httpOutcome, plainRedaction, tcpOutcome, telemetryOf } from "./testing/test-outcome.ts";

class Scene {
  readonly clock = new VirtualClock();
  readonly records: LogRecord[] = [];
  readonly logger: AccessLogger;
  #text = "";
  /** What the next share is decided by. */
  random = 0.5;
  takesLogs = false;

  constructor({ isLogged = true } = {}) {
    const log = new AccessLog({
      clock: this.clock,
      dropped: { value: 0 },
      write: (bytes, done) => {
        this.#text += new TextDecoder().decode(bytes);
        done(null, bytes.length);
      },
    });
    const takesLogs = (): boolean => this.takesLogs;
    this.logger = new AccessLogger({
      ...{ log, clock: this.clock, random: () => this.random },
      agent: { snapshot: { mesh: { accessLog: isLogged }, revision: 3 } },
      sink: {
        get takesLogs() {
          return takesLogs();
        },
        log: (record) => this.records.push(record),
      },
    });
  }

  lines(): string[] {
    this.clock.advance(100);
    return this.#text.split("\n").slice(0, -1);
  }
}

function saying(accessLog: Partial<PreparedAccessLog>) {
  return { telemetry: telemetryOf(accessLog) };
}

describe("the access log", () => {
  test("is as the mesh says where no policy does", () => {
    for (const isLogged of [true, false]) {
      const scene = new Scene({ isLogged });
      scene.logger.http(httpOutcome());
      scene.logger.tcp(tcpOutcome());
      scene.logger.http(httpOutcome(saying({ isEnabled: undefined })));
      expect(scene.lines().length).toBe(isLogged ? 3 : 0);
      // A policy's word goes before the mesh's.
      scene.logger.http(httpOutcome(saying({ isEnabled: !isLogged })));
      expect(scene.lines().length).toBe(isLogged ? 3 : 1);
    }
  });

  test("of a share always has what failed", () => {
    const scene = new Scene();
    const share = saying({ samplingPpm: 100_000 });
    scene.logger.http(httpOutcome(share));
    scene.logger.tcp(tcpOutcome(share));
    expect(scene.lines()).toEqual([]);
    scene.logger.http(httpOutcome({ ...share, status: 404 }));
    scene.logger.http(httpOutcome({ ...share, grpcStatus: 5 }));
    expect(scene.lines()).toEqual([]);
    scene.logger.http(httpOutcome({ ...share, status: 500 }));
    scene.logger.http(httpOutcome({ ...share, grpcStatus: 13 }));
    scene.logger.http(httpOutcome({ ...share, status: 403, reason: "authorization_denied" }));
    scene.logger.tcp(tcpOutcome({ ...share, reason: "upstream_reset" }));
    expect(scene.lines().length).toBe(4);
    scene.random = 0.05;
    scene.logger.http(httpOutcome(share));
    expect(scene.lines().length).toBe(5);
  });

  test("has what the filter is true for, whether it failed or not", () => {
    const filter: PreparedAccessLog["filter"] = ({ requestId }) => requestId === "a";
    const scene = new Scene();
    scene.logger.http(httpOutcome({ ...saying({ filter }), requestId: "b", status: 500 }));
    scene.logger.http(httpOutcome({ ...saying({ filter }), requestId: "a" }));
    expect(scene.lines().length).toBe(1);
  });

  test("takes added fields into JSON and a text format into its lines", () => {
    const scene = new Scene();
    const fields = [{ name: "tenant", read: () => "acme" }];
    scene.logger.http(httpOutcome(saying({ fields })));
    scene.logger.tcp(tcpOutcome(saying({ fields, textFormat: "%WEFT_FIELD(tenant)% %BYTES_SENT%" })));
    const [json = "", text] = scene.lines();
    expect(JSON.parse(json)).toMatchObject({ tenant: "acme", revision: 3, time: "2023-11-14T22:13:20.000Z" });
    expect(text).toBe("acme 20");
  });
});

describe("records for collectors", () => {
  test("are made only while somebody takes them, of what is logged", () => {
    const scene = new Scene();
    scene.logger.http(httpOutcome());
    expect(scene.records).toEqual([]);
    scene.takesLogs = true;
    scene.logger.http(httpOutcome(saying({ toFile: false, samplingPpm: 0, isEnabled: true })));
    expect(scene.records).toEqual([]);
    scene.logger.http(httpOutcome(saying({ toFile: false })));
    expect(scene.lines().length).toBe(1);
    expect(scene.records.length).toBe(1);
  });

  test("of an exchange that failed", () => {
    const scene = new Scene();
    scene.takesLogs = true;
    const redaction = { ...plainRedaction, path: () => "/cards/{card}", query: () => "token=***" };
    const fields = [{ name: "tenant", read: () => "acme" }];
    const traceId = "a".repeat(32);
    const trace = { traceId, spanId: "b".repeat(16), keepsHttp: () => true, keepsTcp: () => true };
    scene.logger.http(
      httpOutcome({
        ...saying({ redaction, fields }),
        ...{ traceId, trace, status: 503, reason: "no_endpoint" },
      }),
    );
    const [record] = scene.records;
    expect(record).toMatchObject({
      ...{
        severity: "error",
        eventName: "weft.access",
        timeMs: scene.clock.nowMs(),
        traceId,
        spanId: trace.spanId,
      },
      body: "GET card.pay/cards/{card} 503 no_endpoint",
      attributes: {
        "http.request.method": "GET",
        "http.response.status_code": 503,
        "url.path": "/cards/{card}",
        "url.query": "token=***",
        "error.type": "no_endpoint",
        "network.protocol.version": "1.1",
        "weft.source.workload": "shop/web-1",
        "weft.destination.namespace": "pay",
        tenant: "acme",
      },
    });
    expect(JSON.stringify(record)).not.toContain("secret");
  });

  test("of a connection, and with the line of a text format as the body", () => {
    const scene = new Scene();
    scene.takesLogs = true;
    scene.logger.tcp(tcpOutcome());
    scene.logger.tcp(tcpOutcome(saying({ textFormat: "%BYTES_SENT%" })));
    expect(scene.records.map(({ body, severity }) => [body, severity])).toEqual([
      ["TCP pay/card", "info"],
      ["20", "info"],
    ]);
    expect(scene.records[0]?.attributes["weft.response.bytes"]).toBe(20);
  });
});
