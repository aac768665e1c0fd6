/** The gRPC form against a grpc-js server: what it is asked. */
import { describe, expect, test } from "bun:test";
import { ExternalAuthorizationProtocol } from "../../../model/index.ts";
import { AuthorizationServer, ok } from "./test/authorization-server.ts";
import { AskingProxy } from "./test/asking-proxy.ts";
import { FakeExchange, http1Head, http2Head, passThrough } from "./test/fake-exchange.ts";

const protocol = ExternalAuthorizationProtocol.GRPC;
const get = "GET /cart?item=1 HTTP/1.1\r\nhost: shop.example\r\nX-User: mallory\r\ncookie: a=1\r\n\r\n";

describe("what is asked", () => {
  test("everything that is known of a request", async () => {
    using server = await AuthorizationServer.start(ok);
    using proxy = new AskingProxy([server.port]);
    const exchange = new FakeExchange({ head: http1Head(get), claims: { sub: "ann", groups: ["a"] } });
    const filter = proxy.filter({ protocol, context: { tier: "gold" } });
    expect(await passThrough(filter, exchange)).toBe("continue");
    expect(proxy.asked).toEqual(["ext_authz ok"]);
    const [attributes] = server.asked;
    expect(attributes?.source.principal).toBe("spiffe://mesh/ns/shop/sa/web");
    expect(attributes?.source.address.socket_address).toMatchObject({
      address: "10.77.0.9",
      port_value: 40_000,
    });
    expect(attributes?.destination.service).toBe("shop/cart");
    expect(attributes?.destination.address.socket_address.port_value).toBe(8080);
    expect(attributes?.tls_session?.sni).toBe("shop.example");
    expect(attributes?.context_extensions).toEqual({ tier: "gold" });
    expect(attributes?.request.time).toMatchObject({ seconds: 1_700_000_000, nanos: 250_000_000 });
    expect(attributes?.request.http).toMatchObject({
      id: "id-1",
      method: "GET",
      path: "/cart?item=1",
      host: "shop.example",
      scheme: "https",
      protocol: "HTTP/1.1",
    });
    expect(attributes?.request.http.headers).toEqual({
      ":authority": "shop.example",
      ":method": "GET",
      ":path": "/cart?item=1",
      ":scheme": "https",
      "x-user": "mallory",
      cookie: "a=1",
      "x-request-id": "id-1",
      "x-forwarded-client-cert": "URI=spiffe://mesh/ns/shop/sa/web",
    });
    const metadata = JSON.stringify(attributes?.metadata_context);
    for (const part of ["jwt_payload", "ann", "203.0.113.7"]) expect(metadata).toContain(part);
  });

  test("what a client says under the mesh's names, and of its connection, is not passed on", async () => {
    using server = await AuthorizationServer.start(ok);
    using proxy = new AskingProxy([server.port]);
    const forged =
      "GET / HTTP/1.1\r\nhost: shop\r\nx-forwarded-client-cert: URI=spiffe://mesh/ns/a/sa/admin\r\nweft-try: attempt=1\r\n" +
      "x-request-id: forged\r\nconnection: close, x-hop\r\nx-hop: 1\r\nte: trailers\r\n\r\n";
    const exchange = new FakeExchange({ head: http1Head(forged), caller: { identity: "" } });
    await passThrough(proxy.filter({ protocol }), exchange);
    const headers = server.asked[0]?.request.http.headers ?? {};
    expect(Object.keys(headers).filter((name) => !name.startsWith(":"))).toEqual(["x-request-id"]);
    expect(headers["x-request-id"]).toBe("id-1");
  });

  test("what a path may mean to a lenient server", async () => {
    const metadata = async (path: string): Promise<string> => {
      using server = await AuthorizationServer.start(ok);
      using proxy = new AskingProxy([server.port]);
      const head = http1Head(`GET ${path} HTTP/1.1\r\nhost: a\r\n\r\n`);
      await passThrough(proxy.filter({ protocol }), new FakeExchange({ head }));
      return JSON.stringify(server.asked[0]?.metadata_context);
    };
    expect(await metadata("/a/../%61dmin;x?y")).toContain('"stringValue":"/admin"');
    expect(await metadata("/a%00")).not.toContain("path_readings");
  });

  test("a list says which fields are sent", async () => {
    using server = await AuthorizationServer.start(ok);
    using proxy = new AskingProxy([server.port]);
    const head = http2Head({ cookie: "a=1", authorization: "Bearer x", "x-a": "b" });
    await passThrough(
      proxy.filter({ protocol, requestHeaders: ["authorization"] }),
      new FakeExchange({ head }),
    );
    expect(server.asked[0]?.request.http.headers).toEqual({ authorization: "Bearer x" });
  });

  test("values that are no UTF-8 are still told, and the call is not broken", async () => {
    using server = await AuthorizationServer.start(ok);
    using proxy = new AskingProxy([server.port]);
    const head = http1Head("GET / HTTP/1.1\r\nhost: shop\r\nx-a: \xff\r\nx-b: gr\xc3\xbcn\r\n\r\n");
    await passThrough(proxy.filter({ protocol }), new FakeExchange({ head }));
    expect(server.asked[0]?.request.http.headers).toMatchObject({ "x-a": "\ufffd", "x-b": "grün" });
  });
});

describe("bodies", () => {
  const post = (length: number): string =>
    `POST / HTTP/1.1\r\nhost: shop\r\ncontent-length: ${length}\r\n\r\n`;
  const chunked = "POST / HTTP/1.1\r\nhost: shop\r\ntransfer-encoding: chunked\r\n\r\n";

  async function asksWith(
    headText: string,
    body: string | Uint8Array,
    model: object,
  ): Promise<{ step: unknown; http: Readonly<Record<string, unknown>> | undefined; exchange: FakeExchange }> {
    using server = await AuthorizationServer.start(ok);
    using proxy = new AskingProxy([server.port]);
    const exchange = new FakeExchange({ head: http1Head(headText), body: Buffer.from(body) });
    const step = await passThrough(proxy.filter({ protocol, ...model }), exchange);
    return { step, http: server.asked[0]?.request.http, exchange };
  }

  test("none is read where the policy wants none", async () => {
    const { http, exchange } = await asksWith(post(2), "hi", {});
    expect(exchange.askedBytes).toEqual([]);
    expect(http?.["body"]).toBeUndefined();
    expect(http?.["size"]).toBe(2);
  });

  test("text goes as text, up to the very last byte that is allowed", async () => {
    const { http, step } = await asksWith(chunked, "12345", { maxBodyBytes: 5 });
    expect(step).toBe("continue");
    expect(http?.["body"]).toBe("12345");
    expect(http?.["size"]).toBe(-1);
    expect(http?.["headers"]).toMatchObject({ "x-envoy-auth-partial-body": "false" });
  });

  test("bytes that are no text go as bytes", async () => {
    const { http } = await asksWith(post(2), new Uint8Array([0xff, 0]), { maxBodyBytes: 5 });
    expect(http?.["raw_body"]).toEqual(Buffer.from([0xff, 0]));
    expect(http?.["body"]).toBeUndefined();
  });

  test.each([
    ["announced", post(6), []],
    ["found to be", chunked, [6]],
  ])("a body %s longer is answered with 413 and nobody is asked", async (_, head, read) => {
    const { step, http, exchange } = await asksWith(head, "123456", { maxBodyBytes: 5, failsOpen: true });
    expect(step).toMatchObject({ reason: "external_denied", answer: { status: 413 } });
    expect(http).toBeUndefined();
    expect(exchange.askedBytes).toEqual(read);
  });

  test("or is sent as far as it goes, which is said", async () => {
    const { step, http } = await asksWith(post(6), "123456", { maxBodyBytes: 5, takesPartialBody: true });
    expect(step).toBe("continue");
    expect(http?.["body"]).toBe("12345");
    expect(http?.["headers"]).toMatchObject({ "x-envoy-auth-partial-body": "true" });
  });
});
