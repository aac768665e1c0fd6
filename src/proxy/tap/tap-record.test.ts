/** What a tap tells of a request is hidden as the settings of that very request say: the mesh's, a policy's, a route's. */
import { expect, test } from "bun:test";
import { create } from "@bufbuild/protobuf";
import { TapOrderSchema } from "../../wire/index.ts";
import { httpOutcome, requestHead, telemetryOf } from "../access-log/testing/test-outcome.ts";
import { PreparedOrder } from "./tap-order.ts";
import { httpRecord } from "./tap-record.ts";

const order = new PreparedOrder(create(TapOrderSchema, { id: 1n, headers: true, remainingMs: 1_000n }), 0);
const parts = { orders: [order], proxy: "shop/web-1", revision: 1, nowMs: 0 };
const head = requestHead("GET /users/7?a=1 HTTP/1.1\r\nhost: a\r\nx-mine: 1\r\nauthorization: b");

test("headers, query and path are told as the request's settings have them", () => {
  const telemetry = telemetryOf({
    redaction: { hidesHeader: (name) => name === "x-mine", query: () => "a=***", path: () => "/users/{id}" },
  });
  const record = httpRecord(httpOutcome({ head, telemetry }), parts);
  expect([record.path, record.query]).toEqual(["/users/{id}", "a=***"]);
  expect(record.requestHeaders.map(({ value }) => Buffer.from(value).toString())).toEqual(["a", "***", "b"]);
});

test("without settings secrets are hidden and the query is left out", () => {
  const record = httpRecord(httpOutcome({ head, telemetry: undefined }), parts);
  expect([record.path, record.query]).toEqual(["/users/7", ""]);
  expect(record.requestHeaders.map(({ value }) => Buffer.from(value).toString())).toEqual(["a", "1", "***"]);
});
