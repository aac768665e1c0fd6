/** The guide's Rego policy in OPA, asked by the filter over real sockets through Envoy's own Go types. */
import { describe, expect, test } from "bun:test";
import { join } from "node:path";
import { ExternalAuthorizationProtocol, Protocol } from "../../../src/model/index.ts";
import { AskingProxy } from "../../../src/proxy/admission/external/test/asking-proxy.ts";
import {
  FakeExchange,
  http1Head,
  passThrough,
  toldBy,
} from "../../../src/proxy/admission/external/test/fake-exchange.ts";
import { findOpaServer, startOpa } from "./opa-server.ts";

const guide = await Bun.file(join(import.meta.dir, "../../../docs/guides/external-authorization.md")).text();
const policy = /```rego\n(?<text>[\s\S]*?)```/.exec(guide)?.groups?.["text"] ?? "";
const opa = await findOpaServer();

describe.skipIf("missing" in opa)("the guide's policy in OPA", () => {
  test.each([
    ["GET / HTTP/1.1\r\n", "", "continue", ["set x-role=reader"]],
    ["GET / HTTP/1.1\r\nx-role: admin\r\n", "", "continue", ["set x-role=reader"]],
    ["DELETE / HTTP/1.1\r\n", "", 403, []],
    [
      "DELETE / HTTP/1.1\r\nauthorization: Bearer letmein\r\n",
      "",
      "continue",
      ["set x-role=admin", "remove authorization"],
    ],
    ["GET /admin HTTP/1.1\r\n", "spiffe://mesh/ns/default/sa/web", 403, []],
    ["GET /admin HTTP/1.1\r\n", "spiffe://mesh/ns/default/sa/reports", "continue", ["set x-role=reports"]],
  ] as const)("%j of %j", async (lines, identity, expected, edits) => {
    if ("missing" in opa) return;
    await using server = await startOpa(opa.path, policy);
    using proxy = new AskingProxy([server.port], Protocol.GRPC);
    const exchange = new FakeExchange({
      head: http1Head(`${lines}host: shop\r\n\r\n`),
      caller: { identity },
    });
    const step = await passThrough(proxy.filter({ protocol: ExternalAuthorizationProtocol.GRPC }), exchange);
    const { status, body } = toldBy(step);
    expect(`${status ?? "continue"}`).toBe(`${expected}`);
    expect(body).toBe(expected === "continue" ? "" : "not for you\n");
    expect(exchange.edits).toEqual([...edits]);
  });
});
