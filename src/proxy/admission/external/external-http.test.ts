/** The HTTP form against servers of Node's http, and against ones that do worse than those can. */
import { describe, expect, test } from "bun:test";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { ExternalAuthorizationProtocol } from "../../../model/index.ts";
import { eventually } from "../../testing/eventually.ts";
import { rawServer, type RawServerSocket } from "../../testing/raw-peer.ts";
import { AskingProxy } from "./test/asking-proxy.ts";
import { FakeExchange, http1Head, http2Head, passThrough, toldBy } from "./test/fake-exchange.ts";

const protocol = ExternalAuthorizationProtocol.HTTP;
const get =
  "GET /cart?item=1 HTTP/1.1\r\nhost: shop.example\r\nauthorization: Bearer x\r\nx-user: mallory\r\n\r\n";

type Step = Awaited<ReturnType<typeof passThrough>>;

interface Asked {
  readonly line: string;
  readonly fields: readonly string[];
  readonly body: string;
}

/** Answers as it is told. */
async function authServer(answer: (response: ServerResponse) => void) {
  const asked: Asked[] = [];
  const server = createServer((request: IncomingMessage, response) => {
    let body = "";
    request.on("data", (chunk: Buffer) => void (body += chunk.toString("latin1")));
    request.on("end", () => {
      const { method, url, rawHeaders } = request;
      const fields = rawHeaders.flatMap((name, i) => (i % 2 === 0 ? [`${name}: ${rawHeaders[i + 1]}`] : []));
      asked.push({ line: `${method} ${url}`, fields, body });
      answer(response);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  return {
    asked,
    port,
    [Symbol.dispose]() {
      server.closeAllConnections();
      server.close();
    },
  };
}

async function askedOf(
  answer: (response: ServerResponse) => void,
  model: object = {},
  head: FakeExchange["head"] = http1Head(get),
): Promise<FakeExchange & { step: Step; question: Asked | undefined }> {
  using server = await authServer(answer);
  using proxy = new AskingProxy([server.port]);
  const exchange = new FakeExchange({ head: head ?? expect.unreachable(), body: Buffer.from("body") });
  const step = await passThrough(proxy.filter({ protocol, ...model }), exchange);
  return Object.assign(exchange, { step, question: server.asked[0] });
}

const yes = (response: ServerResponse): void => void response.end();

describe("what is asked", () => {
  test("method, prefix and path, host, and the authorization alone", async () => {
    const { step, question } = await askedOf(yes, { pathPrefix: "/check/" });
    expect(step).toBe("continue");
    expect(question?.line).toBe("GET /check/cart?item=1");
    expect(question?.fields.map((each) => each.toLowerCase()).toSorted()).toEqual([
      "authorization: bearer x",
      "host: shop.example",
    ]);
  });

  test("and the fields that the policy names, the mesh's own as the mesh says them", async () => {
    const forged = get.replace(
      "x-user:",
      "x-forwarded-client-cert: URI=spiffe://mesh/ns/a/sa/admin\r\nx-user:",
    );
    const requestHeaders = ["x-user", "x-forwarded-client-cert", "connection"];
    const { question } = await askedOf(yes, { requestHeaders }, http1Head(forged));
    expect(question?.fields).toContain("x-user: mallory");
    expect(question?.fields).toContain("x-forwarded-client-cert: URI=spiffe://mesh/ns/shop/sa/web");
    expect(question?.fields.join()).not.toContain("admin");
  });

  test("the body, with the length that it really has", async () => {
    const head = http1Head(
      "POST /a HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\nexpect: 100-continue\r\n\r\n",
    );
    const { question } = await askedOf(yes, { maxBodyBytes: 2, takesPartialBody: true }, head);
    expect(question?.body).toBe("bo");
    expect(question?.fields).toContain("content-length: 2");
    expect(question?.fields).toContain("x-envoy-auth-partial-body: true");
    expect(question?.fields.join().toLowerCase()).not.toContain("expect");
  });

  test("a WebSocket over HTTP/2 as the GET that it is, a tunnel not at all", async () => {
    const webSocket = http2Head({ ":method": "CONNECT", ":protocol": "websocket", ":path": "/chat" }, false);
    expect((await askedOf(yes, {}, webSocket)).question?.line).toBe("GET /chat");
    const tunnel = http1Head("CONNECT shop:443 HTTP/1.1\r\nhost: shop:443\r\n\r\n");
    const { step, question } = await askedOf(yes, { failsOpen: true }, tunnel);
    expect(step).toMatchObject({ reason: "external_unavailable" });
    expect(question).toBeUndefined();
  });

  test("what HTTP/1.1 cannot say is no way around the question", async () => {
    const head = http2Head({ ":path": "/caf\xe9" });
    const { step, question } = await askedOf(yes, { failsOpen: true }, head);
    expect(step).toMatchObject({ reason: "external_unavailable" });
    expect(question).toBeUndefined();
  });
});

describe("200", () => {
  const granting = (response: ServerResponse): void => {
    response.setHeader("x-user", "ann");
    response.setHeader("x-role", ["a", "b"]);
    response.setHeader("content-type", "text/plain");
    response.setHeader("x-forwarded-client-cert", "URI=spiffe://mesh/ns/a/sa/admin");
    response.setHeader("weft-try", "timeout=1");
    response.setHeader("host", "elsewhere");
    response.end("fine");
  };

  test("gives the application all fields but those of the connection, of the answer and of the mesh", async () => {
    const { edits, step } = await askedOf(granting);
    expect(step).toBe("continue");
    expect(edits).toEqual(["set x-user=ann", "set x-role=a", "add x-role=b"]);
  });

  test("or those that the policy names; what a client sends under the others' names goes", async () => {
    const { edits } = await askedOf(granting, { answerHeaders: ["x-user", "x-groups", "host"] });
    expect(edits).toEqual(["set x-user=ann", "remove x-groups"]);
  });

  test("takes away what Envoy's list names", async () => {
    const { edits } = await askedOf((response) => {
      response.setHeader("x-envoy-auth-headers-to-remove", "Authorization, x-user, host, weft-try");
      response.end();
    });
    expect(edits).toEqual(["remove authorization", "remove x-user"]);
  });
});

describe("other statuses", () => {
  test("are said to the client, with their fields and body", async () => {
    const { step } = await askedOf((response) => {
      response.writeHead(302, { location: "/login", "set-cookie": ["a=1", "b=2"], "weft-failed": "x" });
      response.end("come in");
    });
    expect(step).toMatchObject({ reason: "external_denied", answer: { status: 302 } });
    const { lines, body } = toldBy(step);
    expect(lines.filter((line) => !line.startsWith("date"))).toEqual([
      "location: /login",
      "set-cookie: a=1",
      "set-cookie: b=2",
    ]);
    expect(body).toBe("come in");
  });

  test.each([201, 202, 204])("%d is no yes, and does not look like one", async (status) => {
    const { step } = await askedOf((response) => response.writeHead(status).end());
    expect(step).toMatchObject({ reason: "external_denied", answer: { status: 403 } });
  });

  test.each([500, 503])("%d is no answer", async (status) => {
    const failing = (response: ServerResponse): void => void response.writeHead(status).end();
    expect((await askedOf(failing)).step).toMatchObject({ reason: "external_unavailable" });
    expect((await askedOf(failing, { failsOpen: true })).step).toBe("continue");
  });

  test("a refusal whose body is too long is a refusal without it", async () => {
    const long = (response: ServerResponse): void => void response.writeHead(401).end("x".repeat(100_000));
    const { step } = await askedOf(long, { failsOpen: true });
    expect(step).toMatchObject({ reason: "external_denied", answer: { status: 401, body: undefined } });
  });

  test("a yes that is too long cannot be carried out", async () => {
    const long = (response: ServerResponse): void => void response.end("x".repeat(100_000));
    expect((await askedOf(long, { failsOpen: true })).step).toMatchObject({ reason: "external_unavailable" });
  });
});

describe("servers that do not keep to HTTP", () => {
  async function hostile(answer: (peer: RawServerSocket) => void, model: object = {}): Promise<unknown> {
    const server = rawServer((peer) => {
      if (peer.received.includes("\r\n\r\n")) answer(peer);
    });
    using proxy = new AskingProxy([server.port]);
    try {
      return await passThrough(
        proxy.filter({ protocol, timeoutMs: 150, ...model }),
        new FakeExchange({ head: http1Head(get) }),
      );
    } finally {
      server.stop();
    }
  }
  const writes = (text: string) => (peer: RawServerSocket) => void peer.socket.write(text);

  test.each([
    ["resets", (peer: RawServerSocket) => peer.socket.terminate()],
    ["closes", (peer: RawServerSocket) => void peer.socket.end()],
    ["speaks something else", writes("SSH-2.0-x\r\n")],
    ["says half a head", writes("HTTP/1.1 200 OK\r\nx-user: ad")],
    ["says half a body", writes("HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nab")],
    [
      "ends in the middle of a body",
      (peer: RawServerSocket) => void peer.socket.end("HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nab"),
    ],
    [
      "smuggles",
      writes("HTTP/1.1 200 OK\r\ncontent-length: 0\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n"),
    ],
    ["has a bare CR in a field", writes("HTTP/1.1 200 OK\r\nx-user: a\rb\r\ncontent-length: 0\r\n\r\n")],
    ["says 100 for ever", writes("HTTP/1.1 100 Continue\r\n\r\n")],
    ["switches protocols", writes("HTTP/1.1 101 Switching\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n")],
    ["has a head without an end", writes(`HTTP/1.1 200 OK\r\n${"x-a: b\r\n".repeat(50_000)}`)],
  ])("one that %s gives no answer", async (_, answer) => {
    expect(await hostile(answer)).toMatchObject({ reason: "external_unavailable" });
  });

  test("a refusal that breaks off is still one", async () => {
    const answer = (peer: RawServerSocket): void =>
      void peer.socket.end("HTTP/1.1 403 No\r\ncontent-length: 5\r\n\r\nab");
    expect(await hostile(answer, { failsOpen: true })).toMatchObject({
      reason: "external_denied",
      answer: { status: 403 },
    });
  });
});

test("a client that leaves while its body is awaited is asked about by nobody", async () => {
  using server = await authServer(yes);
  using proxy = new AskingProxy([server.port]);
  const head = http1Head("POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 4\r\n\r\n");
  const exchange = new FakeExchange({ head, body: Buffer.from("body") });
  const filter = proxy.filter({ protocol, maxBodyBytes: 10 });
  expect(filter.start(exchange, { resume: () => expect.unreachable() })).toBe("suspended");
  filter.cancel(exchange);
  const other = new FakeExchange({ head: http1Head(get) });
  expect(await passThrough(filter, other)).toBe("continue");
  await eventually(() => server.asked.length > 0, "the other is asked about");
  expect(server.asked.map(({ line }) => line)).toEqual(["GET /cart?item=1"]);
  expect(proxy.externalQuestions.inFlight).toBe(0);
});
