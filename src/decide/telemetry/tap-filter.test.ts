/** Filters of taps, from CEL as it is written to what a proxy lets through. */
import { describe, expect, test } from "bun:test";
import { create } from "@bufbuild/protobuf";
import { ExpressionSchema, TelemetrySchema } from "../../model/index.ts";
import type { TelemetryFacts } from "./facts.ts";
import { defaultRedaction, prepareTapFilter, prepareTelemetry } from "./index.ts";

const facts: TelemetryFacts = {
  direction: "outbound",
  sourceWorkload: "shop/web-1",
  sourceIdentity: "spiffe://m/ns/shop/sa/web",
  destinationWorkload: "",
  destinationIdentity: "",
  destinationService: "shop/cart",
  destinationPort: 80,
  route: "",
  rule: "",
  peerAddress: "10.0.0.9:5123",
  isMutualTls: true,
  requestId: "r-1",
  http: {
    method: "GET",
    authority: "Cart.shop:80",
    target: "/items/7?full=1",
    scheme: "http",
    status: 503,
    grpcStatus: undefined,
    requestHeader: (name) => (name === "x-user" ? "ann" : undefined),
    responseHeader: () => undefined,
  },
  reason: "no_endpoint",
  durationUs: 12_900,
  requestBytes: 0,
  responseBytes: 3,
};

const text = (value: string) =>
  ({ kind: { case: "value", value: { kind: { case: "text", value } } } }) as const;
const attribute = (name: string, keys: string[] = []) =>
  ({ kind: { case: "attribute", value: { name, keys } } }) as const;

/** Operators by number, as the model has them. */
function call(operator: number, ...args: object[]) {
  return { kind: { case: "call", value: { operator, arguments: args } } } as const;
}

describe("a filter", () => {
  test.each<[string, object, boolean]>([
    ["equal texts", call(4, attribute("destination.service"), text("shop/cart")), true],
    ["another text", call(4, attribute("destination.service"), text("shop/web")), false],
    ["what is absent is an error, which is not true", call(5, attribute("route"), text("x")), false],
    ["and asking whether it is there is none", call(3, call(11, attribute("route"))), true],
    [
      "one side of || suffices",
      call(2, call(4, attribute("route"), text("x")), call(11, attribute("source.workload"))),
      true,
    ],
    ["a pattern", call(15, attribute("request.path"), text("^/items/[0-9]+$")), true],
    ["a pattern that is none", call(15, attribute("request.path"), text("(")), false],
    ["a header", call(4, attribute("request.headers", ["X-User"]), text("ann")), true],
    ["whether there is a header", call(10, text("x-user"), attribute("request.headers")), true],
    ["an address", call(18, attribute("source.address"), text("10.0.0.0/8")), true],
    ["the host, as hosts are compared", call(4, attribute("request.host"), text("cart.shop")), true],
    ["an attribute that nobody knows", call(4, attribute("request.nope"), text("x")), false],
    ["an empty expression", {}, false],
  ])("%s", (_name, expression, expected) => {
    expect(prepareTapFilter(create(ExpressionSchema, expression))(facts)).toBe(expected);
  });

  test("of HTTP lets no raw connection through", () => {
    const filter = prepareTapFilter(create(ExpressionSchema, call(11, attribute("request.method"))));
    expect([filter(facts), filter({ ...facts, http: undefined })]).toEqual([true, false]);
  });
});

describe("redaction", () => {
  test("hides secrets and leaves out the query where nobody has said anything", () => {
    const redaction = defaultRedaction;
    const names = ["authorization", "cookie", "set-cookie", "proxy-authorization", "x-api-key", "accept"];
    expect(names.map((name) => redaction.hidesHeader(name))).toEqual([true, true, true, true, true, false]);
    expect([redaction.query("a=1"), redaction.path("/users/7")]).toEqual([undefined, "/users/7"]);
  });

  test("hides what a policy names as well", () => {
    const said = create(TelemetrySchema, {
      accessLog: {
        redaction: {
          headers: ["x-secret-*", "x-token"],
          logsQuery: true,
          queryParameters: ["token"],
          pathTemplates: ["/users/{*}"],
        },
      },
    });
    const { redaction } = prepareTelemetry(said, undefined).accessLog;
    expect(["x-secret-a", "x-token", "x-tokens"].map((name) => redaction.hidesHeader(name))).toEqual([
      true,
      true,
      false,
    ]);
    expect(redaction.query("a=1&to%6ben=s3cret&token")).toBe("a=1&to%6ben=***&token");
    expect(redaction.path("/users/7")).toBe("/users/{*}");
  });
});
