/** Filters from CEL to what proxies run, and that each attribute that may be written can be read. */
import { describe, expect, test } from "bun:test";
import { fromBinary } from "@bufbuild/protobuf";
import { prepareTapFilter, type TelemetryFacts } from "../decide/telemetry/index.ts";
import { telemetryAttributes } from "../compile/index.ts";
import { VirtualClock } from "../kernel/index.ts";
import { ExpressionSchema } from "../model/index.ts";
import { TapHub } from "../observe/index.ts";
import type { TapOrders } from "../wire/index.ts";
import { tapProviders } from "./tap-providers.ts";

const facts: TelemetryFacts = {
  ...{ direction: "outbound", sourceWorkload: "shop/web-1", sourceIdentity: "spiffe://m/ns/shop/sa/web" },
  ...{ destinationWorkload: "shop/cart-1", destinationIdentity: "spiffe://m/ns/shop/sa/cart" },
  ...{ destinationService: "shop/cart", destinationPort: 80, route: "shop/r", rule: "canary" },
  ...{ peerAddress: "10.0.0.9:5123", isMutualTls: true, requestId: "r-1", reason: "upstream_reset" },
  ...{ durationUs: 12_900, requestBytes: 1, responseBytes: 3 },
  http: {
    ...{ method: "GET", authority: "cart.shop", target: "/items/7?a=1", scheme: "http" },
    ...{ status: 503, grpcStatus: 14 },
    requestHeader: (name) => (name === "x-user" ? "ann" : undefined),
    responseHeader: (name) => (name === "x-user" ? "bob" : undefined),
  },
};

/** What a proxy does with it. */
function passes(filter: string, given: TelemetryFacts = facts): boolean {
  const told: TapOrders[] = [];
  const hub = new TapHub({ clock: new VirtualClock() });
  hub.connect({ identity: "", maySpeakFor: () => false, send: (orders) => void told.push(orders) });
  const asked = { targets: [], filter, headers: false, maxBodyBytes: 0, maxPerSecond: 1, seconds: 1 };
  const tap = tapProviders(hub).start(asked, { onRecord() {}, onLoss() {}, onEnd() {} });
  tap.stop();
  return prepareTapFilter(fromBinary(ExpressionSchema, told[0]?.orders[0]?.filter ?? new Uint8Array(0)))(
    given,
  );
}

test.each(telemetryAttributes.map(({ name, type }) => [name, type]))(
  "%s can be written and read",
  (name, type) => {
    expect(passes(`has(${name}${type === "map of text" ? '["X-User"]' : ""})`)).toBe(true);
  },
);

describe("filters", () => {
  test.each<[string, boolean]>([
    ["response.code >= 500 && request.method == 'GET'", true],
    ["response.code in [500, 503]", true],
    ["duration_ms > 12", false],
    ['request.path.matches("^/items/[0-9]+$")', true],
    ['request.headers["X-User"] == "ann" && response.headers["x-user"] == "bob"', true],
    ['"X-User" in response.headers', true],
    ['direction == "inbound" || !has(source.workload)', false],
    ['inCidr(source.address, "10.0.0.0/8")', true],
    ['destination.service.startsWith("shop/") ? connection.mtls : false', true],
    ["!(response.grpc_status == 0)", true],
  ])("%s", (filter, expected) => {
    expect(passes(filter)).toBe(expected);
  });

  test.each([
    ["jwt.subject == 'a'", "jwt.subject is no attribute; see docs/reference/telemetry.md"],
    ["response.code == 'x'", "never"],
    ["response.code", "not true or false"],
    ["request.path.matches('(')", "RE2"],
    ["response.code ==", "line 1"],
    ["x".repeat(5_000), "longer than 4096"],
  ])("%p is refused with what is wrong", (filter, message) => {
    expect(() => passes(filter)).toThrow(message);
  });

  test("of HTTP let no raw connection through", () => {
    expect(passes("request.method != 'x'", { ...facts, http: undefined })).toBe(false);
  });
});
