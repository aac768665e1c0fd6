/** `weft tap` and what it writes, from arguments to lines and files. */
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { harEntry } from "./har.ts";
import { tapLine } from "./tap-line.ts";
import { runVerb, type VerbResult } from "./testing/run-verb.ts";
import { tapped, type Tapped, tappedRecord as record } from "./testing/tap-server.ts";
import { failure } from "./testing/fake-server.ts";

let folder = "";
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "weft-tap-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const plain = { styled: (_: string, text: string): string => text };

const weft = (server: Pick<Tapped, "url">, ...args: readonly string[]): Promise<VerbResult> =>
  runVerb(folder, server, args);

describe("tap", () => {
  test("shows a line for each request, what was lost and why it ended", async () => {
    await using server = tapped([
      { type: "started", proxies: 4 },
      { type: "record", record },
      { type: "alive" },
      { type: "loss", proxy: "default/web-1", count: 12 },
      { type: "end", why: "its time is over" },
    ]);
    const { code, out, err } = await weft(server, "tap", "-A");
    expect(code).toBe(0);
    expect(out).toMatch(
      /^\d\d:\d\d:\d\d\.123  web-1 → shop\/cart-1  POST \/items  503  13ms  no_endpoint\n$/,
    );
    expect(err).toContain("4 proxies were told");
    expect(err).toContain("12 more were not told");
    expect(err).toContain("the tap is over: its time is over");
    expect(server.asked).toEqual(['?filter=(direction == "outbound" || !has(source.workload))']);
  });

  test("asks for what its arguments say", async () => {
    const service = {
      apiVersion: "v1",
      kind: "Service",
      metadata: {
        name: "cart",
        namespace: "shop",
        uid: "u",
        resourceVersion: "7",
        generation: 1,
        creationTimestamp: "2026-01-01T00:00:00Z",
      },
      spec: { selector: { app: "cart" }, ports: [{ port: 80, protocol: "TCP" }], clusterIP: "240.240.0.1" },
    };
    await using server = tapped([], { "/api/v1/namespaces/shop/services/cart": service });
    const options = ["--filter", "response.code >= 500", "--side", "both", "--headers", "--bodies", "64"];
    const { code } = await weft(
      server,
      ...["tap", "cart", "workload/web-1", "-n", "shop", ...options, "--max-per-second", "5", "--for", "90s"],
    );
    expect(code).toBe(0);
    expect(server.asked).toEqual([
      "?workload=shop/web-1&service=shop/cart&filter=(response.code >= 500)&headers=true&bodies=64&maxPerSecond=5&seconds=90",
    ]);
    expect((await weft(server, "tap", "crat", "-n", "shop")).err).toContain(
      "there is no service or workload crat",
    );
    expect((await weft(server, "tap", "pod/x")).code).toBe(64);
    expect((await weft(server, "tap", "--bodies", "65537")).code).toBe(64);
  });

  test("ends after as many as were asked for, and prints them for programs", async () => {
    await using server = tapped([
      { type: "record", record },
      { type: "record", record },
      { type: "record", record },
    ]);
    const { out } = await weft(server, "tap", "-c", "2", "-o", "json");
    expect(
      out
        .trim()
        .split("\n")
        .map((line): unknown => JSON.parse(line)),
    ).toEqual([record, record]);
    expect((await weft(server, "tap", "-c", "1", "-o", "yaml")).out).toStartWith(
      "---\ndirection: DIRECTION_OUTBOUND\n",
    );
  });

  test("is told in one line that it is not allowed", async () => {
    const refusing = Bun.serve({
      hostname: "127.0.0.1",
      port: 0,
      fetch: () => Response.json(failure(403, "Forbidden", "ann may not create taps"), { status: 403 }),
    });
    const { code, err } = await weft({ url: `http://127.0.0.1:${refusing.port}` }, "tap");
    await refusing.stop(true);
    expect([code === 0, err.trim().split("\n").length]).toEqual([false, 1]);
    expect(err).toContain("ann may not create taps");
  });

  test("prints nothing that a terminal would obey", () => {
    const hostile = "\u001b[2J\u009b31m\r\n\u0007";
    const line = tapLine(
      {
        ...record,
        ...{
          path: `/${hostile}`,
          method: `GET${hostile}`,
          sourceWorkload: hostile,
          destinationWorkload: hostile,
        },
        ...{
          reason: hostile,
          policy: hostile,
          detail: hostile,
          requestId: hostile,
          route: hostile,
          protocol: hostile,
        },
      },
      plain,
      true,
    );
    // oxlint-disable-next-line no-control-regex
    expect(line).not.toMatch(/[\u0000-\u001f\u007f-\u009f]/);
  });

  test("tells connections and gRPC in their own words", () => {
    const { status: _, method: _method, path: _path, ...rest } = record;
    expect(tapLine({ ...rest, protocol: "tcp", reason: "" }, plain, false)).toContain("TCP port 80  ok");
    expect(tapLine({ ...record, protocol: "gRPC", status: 200, grpcStatus: 15 }, plain, false)).toContain(
      "grpc 14",
    );
  });
});

describe("describe request", () => {
  const refusals = { "/apis/weft.dev/v1alpha1/refusals": { items: [] } };

  test("shows one that a tap saw hop by hop, with the time spent where", async () => {
    const inbound = { ...record, direction: "DIRECTION_INBOUND", proxy: "shop/cart-1", detail: "\u001b[2J" };
    await using server = tapped([], {
      ...refusals,
      "/apis/weft.dev/v1alpha1/requests/r-1": { hops: [{ ...record, admittedUs: "300" }, inbound] },
    });
    const { out } = await weft(server, "describe", "request", "r-1");
    const lines = out
      .trimEnd()
      .split("\n")
      .map((line) => line.trim());
    expect(lines.slice(1, 6)).toEqual([
      "told by default/web-1 (client)",
      "let in after 0.3ms",
      "try 1 at 10.0.0.2:80, connected 1.0ms, 503",
      "answer began after 9.0ms",
      "over after 13ms",
    ]);
    expect(lines.slice(7, 9)).toEqual(["told by shop/cart-1 (server)", "\\x1b[2J"]);
    expect(JSON.parse((await weft(server, "describe", "request", "r-1", "-o", "json")).out)).toHaveLength(2);
  });

  test("of which nobody knows anything is said in one line", async () => {
    await using server = tapped([], refusals);
    const { code, err } = await weft(server, "describe", "request", "r-1");
    expect([code === 0, err]).toEqual([false, expect.stringContaining("no tap saw it")]);
  });
});

describe("files of a tap", () => {
  test("an HTTP Archive has what version 1.2 asks for", async () => {
    const binary = Buffer.from([0xff, 0xfe]).toString("base64");
    await using server = tapped([
      { type: "record", record: { ...record, query: "a=1&b=%20" } },
      { type: "record", record: { ...record, protocol: "tcp" } },
      { type: "record", record: { proxy: "p", method: "GET", startUnixUs: "1", responseBody: binary } },
    ]);
    const file = join(folder, "a.har");
    await weft(server, "tap", "--har", file);
    expect(server.asked[0]).toContain("headers=true");
    expect(statSync(file).mode & 0o777).toBe(0o600);
    const har: { readonly log: { readonly entries: readonly Record<string, unknown>[] } } = JSON.parse(
      readFileSync(file, "utf8"),
    );
    expect(har).toMatchObject({ log: { version: "1.2", creator: { name: "weft" } } });
    const { entries } = har.log;
    expect(entries.length).toBe(2);
    for (const entry of entries) expect(harProblems(entry)).toEqual([]);
    expect(entries[0]).toMatchObject({
      time: 12.5,
      request: {
        url: "http://cart.shop/items?a=1&b=%20",
        queryString: [
          { name: "a", value: "1" },
          { name: "b", value: " " },
        ],
        postData: { mimeType: "application/json", text: '{"a":1}' },
      },
      response: { status: 503, statusText: "Service Unavailable", content: { size: 2, text: "no" } },
      timings: { blocked: 1, wait: 8, receive: 3.5 },
      serverIPAddress: "10.0.0.2",
    });
    expect(entries[1]).toMatchObject({ response: { content: { text: binary, encoding: "base64" } } });
  });

  test("an archive of nothing is one too", async () => {
    await using server = tapped([]);
    const file = join(folder, "a.har");
    await weft(server, "tap", "--har", file);
    expect(JSON.parse(readFileSync(file, "utf8"))).toHaveProperty("log.entries", []);
  });

  test("a record of traffic begins with its version", async () => {
    await using server = tapped([
      { type: "record", record },
      { type: "loss", proxy: "p", count: 2 },
    ]);
    const file = join(folder, "traffic.ndjson");
    await weft(server, "tap", "--record", file);
    const lines = readFileSync(file, "utf8")
      .trim()
      .split("\n")
      .map((line): unknown => JSON.parse(line));
    expect(lines).toMatchObject([
      { format: "weft-traffic", version: 1, asked: { namespaces: ["default"] } },
      { record },
      { loss: { proxy: "p", count: 2 } },
    ]);
  });

  test("that cannot be written are said before anything is tapped", async () => {
    await using server = tapped([{ type: "record", record }]);
    const { err } = await weft(server, "tap", "--record", join(folder, "no", "where"));
    expect(err).toContain("cannot be written");
    expect(server.asked).toEqual([]);
  });
});

/** What HAR 1.2 requires of an entry, field by field. */
function harProblems(entry: Readonly<Record<string, unknown>>): string[] {
  const pairs = "array";
  const shape: Readonly<Record<string, string>> = {
    ...{ startedDateTime: "date", time: "number", cache: "object" },
    ...{ "request.method": "string", "request.url": "url", "request.httpVersion": "string" },
    ...{ "request.cookies": pairs, "request.headers": pairs, "request.queryString": pairs },
    ...{ "request.headersSize": "number", "request.bodySize": "number" },
    ...{ "response.status": "number", "response.statusText": "string", "response.httpVersion": "string" },
    ...{ "response.cookies": pairs, "response.headers": pairs, "response.redirectURL": "string" },
    ...{ "response.content.size": "number", "response.content.mimeType": "string" },
    ...{ "response.headersSize": "number", "response.bodySize": "number" },
    ...{ "timings.send": "positive", "timings.wait": "positive", "timings.receive": "positive" },
  };
  return Object.entries(shape).flatMap(([path, kind]) => {
    const value = path.split(".").reduce<unknown>((at, key) => Object(at)[key], entry);
    return fits(value, kind) ? [] : [`${path}: ${JSON.stringify(value)}`];
  });
}

function fits(value: unknown, kind: string): boolean {
  switch (kind) {
    case "array":
      return (
        Array.isArray(value) &&
        value.every((each) => typeof each.name === "string" && typeof each.value === "string")
      );
    case "date":
      return typeof value === "string" && /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/.test(value);
    case "url":
      return typeof value === "string" && URL.canParse(value);
    case "positive":
      return typeof value === "number" && value >= 0;
    default:
      return typeof value === kind;
  }
}

test("timings of an entry are its whole time", () => {
  for (const parts of [{}, { firstByteUs: "0" }, { tries: [] }, { firstByteUs: "99999" }]) {
    const entry: { readonly time: number; readonly timings: Readonly<Record<string, number>> } = JSON.parse(
      JSON.stringify(harEntry({ ...record, ...parts })),
    );
    const sum = Object.values(entry.timings).reduce((total, each) => total + Math.max(0, each), 0);
    expect(sum).toBeCloseTo(entry.time);
  }
});
