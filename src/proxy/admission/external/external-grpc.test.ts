/** The gRPC form against a grpc-js server: what is asked, and what its answers do. */
import { describe, expect, test } from "bun:test";
import { ExternalAuthorizationProtocol } from "../../../model/index.ts";
import { eventually } from "../../testing/eventually.ts";
import { type Answer, AuthorizationServer, ok } from "./test/authorization-server.ts";
import { AskingProxy } from "./test/asking-proxy.ts";
import { FakeExchange, http1Head, http2Head, passThrough, toldBy } from "./test/fake-exchange.ts";

const protocol = ExternalAuthorizationProtocol.GRPC;
const get = "GET /cart?item=1 HTTP/1.1\r\nhost: shop.example\r\nX-User: mallory\r\ncookie: a=1\r\n\r\n";

async function asked(
  answer: Answer,
  head = http1Head(get),
  model = {},
): Promise<FakeExchange & { step: Awaited<ReturnType<typeof passThrough>> }> {
  using server = await AuthorizationServer.start(answer);
  using proxy = new AskingProxy([server.port]);
  const exchange = new FakeExchange({ head });
  const step = await passThrough(proxy.filter({ protocol, ...model }), exchange);
  return Object.assign(exchange, { step });
}

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

describe("an answer that grants", () => {
  const header = (key: string, value: string, rest: object = {}): object => ({
    header: { key, value },
    ...rest,
  });
  const granting = (okResponse: object): Answer => ({ ...ok, ok_response: okResponse });

  test("sets, appends and removes fields in the order of the answer, removals last", async () => {
    const { edits, step } = await asked(
      granting({
        headers_to_remove: ["Cookie"],
        headers: [
          header("X-User", "ann"),
          header("x-more", "1", { append: { value: true } }),
          header("x-less", "1", { append: { value: false } }),
          header("x-over", "1", { append_action: 2 }),
          header("x-user", "absent only", { append_action: 1 }),
          header("x-new", "absent", { append_action: 1 }),
          header("x-user", "present", { append_action: 3 }),
          header("x-none", "present only", { append_action: 3 }),
        ],
      }),
    );
    expect(step).toBe("continue");
    expect(edits).toEqual([
      "set x-user=ann",
      "add x-more=1",
      "set x-less=1",
      "set x-over=1",
      "set x-new=absent",
      "set x-user=present",
      "remove cookie",
    ]);
  });

  test("gives fields to the client's answer", async () => {
    const { answerEdits } = await asked(
      granting({
        response_headers_to_add: [header("set-cookie", "a=1"), header("x-a", "1", { append_action: 2 })],
      }),
    );
    expect(answerEdits).toEqual(["add set-cookie=a=1", "set x-a=1"]);
  });

  test("never touches framing, pseudo-header fields and what the mesh says itself", async () => {
    const names = [
      ":path",
      "Host",
      "content-length",
      "transfer-encoding",
      "connection",
      "te",
      "upgrade",
      "expect",
    ];
    const own = [
      "x-forwarded-client-cert",
      "X-Forwarded-Client-Cert",
      "weft-try",
      "weft-unprocessed",
      "x-request-id",
    ];
    const all = [...names, ...own];
    const { edits, answerEdits, step } = await asked(
      granting({
        headers: all.map((name) => header(name, "1")),
        headers_to_remove: all,
        response_headers_to_add: all.map((name) => header(name, "1")),
      }),
    );
    expect(step).toBe("continue");
    expect([...edits, ...answerEdits]).toEqual([]);
  });

  test.each([
    ["an end of line in a value", { headers: [header("x-a", "1\r\nx-admin: 1")] }],
    ["an end of line behind a value", { headers: [header("x-a", "1\r\n")] }],
    ["an end of line in a name", { headers: [header("x-a: 1\r\nx-b", "1")] }],
    ["an end of line in a name to remove", { headers_to_remove: ["x-a\r\n"] }],
    ["an end of line for the client", { response_headers_to_add: [header("x-a", "1\nb")] }],
    ["a NUL", { headers: [header("x-a", "a\0")] }],
    ["no name", { headers: [header("", "1")] }],
    ["an action that is unknown", { headers: [header("x-a", "1", { append_action: 9 })] }],
    ["edits of the query", { query_parameters_to_remove: ["token"] }],
    ["too many fields", { headers: Array.from({ length: 129 }, (_, i) => header(`x-${i}`, "1")) }],
  ])("with %s is refused, also where outages are forgiven", async (_, response) => {
    const { step, edits } = await asked(granting(response), http1Head(get), { failsOpen: true });
    expect(step).toMatchObject({ reason: "external_unavailable" });
    expect(edits).toEqual([]);
  });

  test("text becomes the bytes of UTF-8", async () => {
    const { edits } = await asked(granting({ headers: [header("x-a", "grün")] }));
    expect(edits).toEqual([`set x-a=${Buffer.from("grün").toString("latin1")}`]);
  });
});

describe("an answer that denies", () => {
  test("is said with its status, fields and body", async () => {
    const { step, deeds } = await asked({
      status: { code: 16 },
      denied_response: {
        status: { code: 401 },
        headers: [
          { header: { key: "WWW-Authenticate", value: "Bearer" } },
          { header: { key: "content-length", value: "1" } },
          { header: { key: "x-bad", value: "a\r\nb" } },
        ],
        body: "who are you?",
      },
    });
    expect(step).toMatchObject({ reason: "external_denied", answer: { status: 401 } });
    expect(toldBy(step)).toEqual({
      status: 401,
      lines: ["www-authenticate: Bearer", "content-type: text/plain"],
      body: "who are you?",
    });
    expect(deeds).toMatchObject([{ verdict: "denied", source: { name: "ask" } }]);
  });

  test.each([
    ["without a response", { status: { code: 7 } }, 403],
    ["with a status that is none", { status: { code: 7 }, denied_response: { status: { code: 99 } } }, 403],
    ["whose response grants", { status: { code: 7 }, ok_response: {} }, 403],
  ])("%s is 403 and stays a refusal where outages are forgiven", async (_, answer, status) => {
    const { step } = await asked(answer, http1Head(get), { failsOpen: true });
    expect(step).toMatchObject({ reason: "external_denied", answer: { status } });
  });
});

test("a call that is turned away itself lets nobody in", async () => {
  const { step } = await asked({ code: 7, details: "no" }, http1Head(get), { failsOpen: true });
  expect(step).toMatchObject({ reason: "external_denied", answer: { status: 403 } });
});

test("an answer that is too long is no outage", async () => {
  const answer = { status: { code: 7 }, denied_response: { body: "x".repeat(70_000) } };
  const { step } = await asked(answer, http1Head(get), { failsOpen: true });
  expect(step).toMatchObject({ reason: "external_unavailable" });
});

describe("no answer", () => {
  const cases: [string, Answer][] = [
    ["a call that fails", { code: 14, details: "down" }],
    ["an empty message", {}],
    ["a failure of the service's own", { status: { code: 13 }, error_response: {} }],
    ["silence", "silence"],
  ];
  test.each(cases)("%s refuses, with the policy's status", async (_, answer) => {
    const { step } = await asked(answer, http1Head(get), { timeoutMs: 100, errorStatus: 503 });
    expect(step).toMatchObject({ reason: "external_unavailable", answer: { status: 503 } });
  });

  test.each(cases)("%s lets in where the policy forgives it", async (_, answer) => {
    const { step, deeds, edits } = await asked(answer, http1Head(get), {
      timeoutMs: 100,
      failsOpen: true,
      answerHeaders: ["x-user"],
    });
    expect(step).toBe("continue");
    expect(deeds).toMatchObject([{ verdict: "allowed", rule: "no answer" }]);
    expect(edits).toEqual(["remove x-user"]);
  });

  test("one line a second tells of it", async () => {
    using server = await AuthorizationServer.start({ code: 14, details: "down" });
    using proxy = new AskingProxy([server.port]);
    const filter = proxy.filter({ protocol, failsOpen: true });
    for (let i = 0; i < 3; i++) await passThrough(filter, new FakeExchange({ head: http1Head(get) }));
    expect(proxy.warnings.length).toBe(1);
    expect(proxy.asked.filter((each) => each === "ext_authz failed_open").length).toBe(3);
  });

  test("a service that is gone, and a policy whose service is unknown", async () => {
    using proxy = new AskingProxy([1]);
    const exchange = (): FakeExchange => new FakeExchange({ head: http1Head(get) });
    expect(await passThrough(proxy.filter({ protocol }), exchange())).toMatchObject({
      reason: "external_unavailable",
    });
    const missing = proxy.filter({ protocol, cluster: "default/none:80" });
    expect(await passThrough(missing, exchange())).toMatchObject({ reason: "external_unavailable" });
    const unresolved = proxy.filter({ protocol, unresolved: "no such Service", failsOpen: true });
    expect(await passThrough(unresolved, exchange())).toMatchObject({
      reason: "backend_unresolved",
      detail: "no such Service",
    });
  });

  test("more questions than there may be", async () => {
    using server = await AuthorizationServer.start("silence");
    using proxy = new AskingProxy([server.port]);
    proxy.externalQuestions.max = 1;
    const filter = proxy.filter({ protocol });
    const first = new FakeExchange({ head: http1Head(get) });
    filter.start(first, () => expect.unreachable());
    await eventually(() => server.asked.length === 1, "the first is asked");
    const second = await passThrough(filter, new FakeExchange({ head: http1Head(get) }));
    expect(second).toMatchObject({ reason: "external_unavailable" });
    filter.cancel(first);
    expect(proxy.externalQuestions.inFlight).toBe(0);
  });
});

test("a client that leaves takes its question with it", async () => {
  using server = await AuthorizationServer.start("silence");
  using proxy = new AskingProxy([server.port]);
  const filter = proxy.filter({ protocol, timeoutMs: 10_000 });
  const exchange = new FakeExchange({ head: http1Head(get) });
  expect(filter.start(exchange, () => expect.unreachable())).toBe("suspended");
  await eventually(() => server.asked.length === 1, "it is asked");
  filter.cancel(exchange);
  await eventually(() => server.cancelled === 1, "the service hears of it");
  expect(proxy.externalQuestions.inFlight).toBe(0);
  expect(proxy.asked).toEqual(["ext_authz cancelled"]);
});
