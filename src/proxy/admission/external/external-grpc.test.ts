/** The gRPC form against a grpc-js server: what its answers do. */
import { describe, expect, test } from "bun:test";
import { ExternalAuthorizationProtocol } from "../../../model/index.ts";
import { eventually } from "../../testing/eventually.ts";
import { type Answer, AuthorizationServer, ok } from "./test/authorization-server.ts";
import { AskingProxy } from "./test/asking-proxy.ts";
import { FakeExchange, http1Head, passThrough, toldBy } from "./test/fake-exchange.ts";

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

  test("edits the query, however names in it are encoded", async () => {
    const { edits } = await asked(
      granting({
        query_parameters_to_remove: ["token"],
        query_parameters_to_set: [
          { key: "user", value: "a&b=c" },
          { key: "new", value: "ü" },
        ],
      }),
      http1Head("GET /?token=1&user=root&x=1&t%6fken=2&us%65r=admin&y HTTP/1.1\r\nhost: a\r\n\r\n"),
    );
    expect(edits).toEqual(["query x=1&y&user=a%26b%3Dc&new=%C3%BC"]);
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

  test("a service is not asked about requests to itself", async () => {
    using server = await AuthorizationServer.start(ok);
    using proxy = new AskingProxy([server.port]);
    const caller = { service: "default/auth" };
    const step = await passThrough(
      proxy.filter({ protocol, failsOpen: true }),
      new FakeExchange({ head: http1Head(get), caller }),
    );
    expect(step).toMatchObject({ reason: "external_unavailable" });
    expect(server.asked).toEqual([]);
  });

  test("more questions than there may be", async () => {
    using server = await AuthorizationServer.start("silence");
    using proxy = new AskingProxy([server.port]);
    proxy.externalQuestions.max = 1;
    const filter = proxy.filter({ protocol });
    const first = new FakeExchange({ head: http1Head(get) });
    filter.start(first, { resume: () => expect.unreachable() });
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
  expect(filter.start(exchange, { resume: () => expect.unreachable() })).toBe("suspended");
  await eventually(() => server.asked.length === 1, "it is asked");
  filter.cancel(exchange);
  await eventually(() => server.cancelled === 1, "the service hears of it");
  expect(proxy.externalQuestions.inFlight).toBe(0);
  expect(proxy.asked).toEqual(["ext_authz cancelled"]);
});
