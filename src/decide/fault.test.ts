/** Whether trouble that is made on purpose comes: all conditions must hold, and time ends it. */
import { describe, expect, test } from "bun:test";
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { FaultSchema } from "../model/index.ts";
import { PreparedFaults } from "./fault.ts";
import type { HttpRequestView } from "./request-view.ts";

type FaultInit = Exclude<MessageInitShape<typeof FaultSchema>, { $typeName: string }>;

const nowMs = 1_000_000;
const always = { perMillion: 1_000_000, expiresAtMs: BigInt(nowMs + 1), delayMs: 1 };

function prepare(...faults: FaultInit[]): PreparedFaults {
  const prepared = PreparedFaults.prepare(
    faults.map((fault) => create(FaultSchema, { ...always, ...fault })),
  );
  if (prepared === undefined) throw new Error("no faults");
  return prepared;
}

function request(
  path = "/",
  method = "GET",
  headers: Readonly<Record<string, string>> = {},
): HttpRequestView {
  return { method, path, query: "", header: (name) => headers[name] };
}

const never = (): number => {
  throw new Error("nothing is a matter of chance here");
};

function delayOf(faults: PreparedFaults, view: HttpRequestView, random = never): number | undefined {
  return faults.select(view, nowMs, random)?.delayMs;
}

test("there is none where none is configured", () => {
  expect(PreparedFaults.prepare([])).toBeUndefined();
});

describe("the path", () => {
  test.each([
    [{ case: "pathExact", value: "/a" }, "/a", true],
    [{ case: "pathExact", value: "/a" }, "/a/b", false],
    [{ case: "pathExact", value: "/a" }, "/%61", true],
    [{ case: "pathPrefix", value: "/a" }, "/a", true],
    [{ case: "pathPrefix", value: "/a/" }, "/a/b", true],
    [{ case: "pathPrefix", value: "/a" }, "/x/../a/b", true],
    [{ case: "pathPrefix", value: "/a" }, "/ab", false],
    [{ case: "pathPrefix", value: "" }, "/anything", true],
    [{ case: "pathRegex", value: "/v[0-9]+" }, "/v12", true],
    [{ case: "pathRegex", value: "/v[0-9]+" }, "/v12/x", false],
  ] as const)("%j of %s: %p", (path, requested, isHit) => {
    expect(delayOf(prepare({ matches: [{ path }] }), request(requested))).toBe(isHit ? 1 : undefined);
  });
});

test("one of the matches is enough, and all of a match must hold", () => {
  const faults = prepare({
    matches: [
      { path: { case: "pathExact", value: "/a" }, method: "POST" },
      { headers: [{ name: "x", value: { case: "exact", value: "1" } }] },
    ],
  });
  expect(delayOf(faults, request("/a", "POST"))).toBe(1);
  expect(delayOf(faults, request("/a", "GET"))).toBeUndefined();
  expect(delayOf(faults, request("/b", "GET", { x: "1" }))).toBe(1);
});

test("a header that opts in must be there, with any value", () => {
  const faults = prepare({ optInHeader: "x-chaos" });
  expect(delayOf(faults, request("/", "GET", { "x-chaos": "" }))).toBe(1);
  expect(delayOf(faults, request())).toBeUndefined();
});

describe("chance", () => {
  test("is drawn only for those that may happen", () => {
    expect(delayOf(prepare({ perMillion: 0 }), request())).toBeUndefined();
    expect(delayOf(prepare({ perMillion: 1_000_000 }), request())).toBe(1);
  });

  test("decides by the share, down to one in a million", () => {
    const faults = prepare({ perMillion: 1 });
    expect(delayOf(faults, request(), () => 0.000_000_9)).toBe(1);
    expect(delayOf(faults, request(), () => 0.000_001)).toBeUndefined();
  });

  test("is drawn anew for each, and the first that comes is the only one", () => {
    const faults = prepare({ perMillion: 500_000, delayMs: 1 }, { perMillion: 500_000, delayMs: 2 });
    const draws = [0.9, 0.1];
    expect(delayOf(faults, request(), () => draws.shift() ?? 1)).toBe(2);
    expect(delayOf(faults, request(), () => 0.1)).toBe(1);
  });
});

describe("time", () => {
  test("ends each of them by itself", () => {
    const faults = prepare({ expiresAtMs: BigInt(nowMs), delayMs: 1 }, { delayMs: 2 });
    expect(delayOf(faults, request())).toBe(2);
  });

  test("ends them all without a look at the request", () => {
    const faults = prepare({ matches: [{ method: "GET" }] }, { optInHeader: "x" });
    const unread: HttpRequestView = {
      get method(): string {
        throw new Error("read");
      },
      get path(): string {
        throw new Error("read");
      },
      query: "",
      header: () => String(never()),
    };
    expect(faults.select(unread, nowMs + 1, never)).toBeUndefined();
    expect(faults.selectForConnection(nowMs + 1, never)).toBeUndefined();
  });

  test("never ends one without an expiry", () => {
    expect(prepare({ expiresAtMs: 0n }).select(request(), Number.MAX_SAFE_INTEGER, never)?.delayMs).toBe(1);
  });
});

test("a connection takes those that ask for nothing of a request", () => {
  const abort = { outcome: { case: "httpStatus", value: 503 } } as const;
  const reset = { outcome: { case: "reset", value: true } } as const;
  const connection = (...faults: FaultInit[]): boolean | undefined =>
    prepare(...faults).selectForConnection(nowMs, never)?.isReset;
  expect(connection({ matches: [{}] }, { optInHeader: "x" }, { ...abort, delayMs: 0 })).toBeUndefined();
  expect(connection({ matches: [{}] }, reset)).toBe(true);
  expect(connection({ delayMs: 5 })).toBe(false);
});

test("says what happens, and where it is written", () => {
  const source = { kind: "FaultPolicy", namespace: "shop", name: "cart", section: "faults[0]" };
  const fault = prepare({ source, outcome: { case: "grpcStatus", value: 14 }, bytesPerSecond: 9 });
  expect(fault.select(request(), nowMs, never)).toMatchObject({
    label: "FaultPolicy shop/cart faults[0]",
    delayMs: 1,
    httpStatus: 0,
    grpcStatus: 14,
    isReset: false,
    bytesPerSecond: 9,
  });
});

test("a pattern that is none is refused", () => {
  expect(() => prepare({ matches: [{ path: { case: "pathRegex", value: "(" } }] })).toThrow("no RE2");
});
