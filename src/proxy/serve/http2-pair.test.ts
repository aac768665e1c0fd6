/** HTTP/2 through two sidecars with mutual TLS between them, and the translations between the versions. */
import { describe, expect, test } from "bun:test";
import { Protocol } from "../../model/index.ts";
import { eventually } from "../testing/eventually.ts";
import { Http2Client, Http2Server, requestLine } from "../testing/http2-peer.ts";
import { cannedServer, RawClient, rawServer } from "../testing/raw-peer.ts";
import { TestMesh } from "../testing/test-mesh.ts";

async function pair(mesh: TestMesh, app: { readonly port: number }, protocol: Protocol): Promise<number> {
  const server = await mesh.server("echo-1", app.port, protocol);
  return (await mesh.client([server.endpoint])).port;
}

const grpcFields = [
  ["content-type", "application/grpc"],
  ["te", "trailers"],
] as const;

describe("HTTP/2 to an HTTP/2 application", () => {
  test("passes heads, bodies and trailers both ways", async () => {
    await using mesh = new TestMesh();
    const app = new Http2Server(async (request) => {
      await request.message.ended();
      request.answer(
        [
          [":status", "201"],
          ["x-answer", "yes"],
        ],
        request.message.body.toUpperCase(),
        [["x-sum", request.message.trailers?.get("x-sum") ?? "none"]],
      );
    });
    const client = await Http2Client.connect(await pair(mesh, app, Protocol.HTTP2));
    const answer = await client.post("/a?b=c", "hello", [["x-ask", "1"]], [["x-sum", "5"]]).ended();
    expect(answer.status).toBe(201);
    expect(answer.head?.get("x-answer")).toBe("yes");
    expect(answer.body).toBe("HELLO");
    expect(answer.trailers?.get("x-sum")).toBe("5");
    const seen = app.requests[0]?.fields;
    expect(seen?.get(":path")).toBe("/a?b=c");
    expect(seen?.get(":authority")).toBe("echo");
    expect(seen?.get("x-ask")).toBe("1");
    expect(seen?.get("x-request-id")).toBeString();
    expect(seen?.get("x-forwarded-client-cert")).toContain("URI=spiffe://");
    client.close();
    app.stop();
  });

  test("carries many streams over one connection of each hop", async () => {
    await using mesh = new TestMesh();
    const app = new Http2Server((request) =>
      request.answer([[":status", "200"]], request.fields.get(":path") ?? ""),
    );
    const client = await Http2Client.connect(await pair(mesh, app, Protocol.HTTP2));
    const answers = await Promise.all(Array.from({ length: 90 }, (_, i) => client.get(`/${i}`).ended()));
    expect(answers.map((answer) => answer.body)).toEqual(answers.map((_, i) => `/${i}`));
    expect(app.sessions.length).toBe(1);
    client.close();
    app.stop();
  });

  test("opens another connection where the application allows few streams", async () => {
    await using mesh = new TestMesh();
    const held: (() => void)[] = [];
    const app = new Http2Server((request) => held.push(() => request.answer([[":status", "200"]], "x")), {
      maxConcurrentStreams: 2,
    });
    const client = await Http2Client.connect(await pair(mesh, app, Protocol.HTTP2));
    const answers = Array.from({ length: 5 }, (_, i) => client.get(`/${i}`));
    await eventually(() => held.length === 5, "all requests at the application");
    expect(app.sessions.length).toBe(3);
    for (const answer of held) answer();
    for (const answer of answers) expect((await answer.ended()).status).toBe(200);
    client.close();
    app.stop();
  });

  test("a cancelled request is cancelled at the application", async () => {
    await using mesh = new TestMesh();
    const app = new Http2Server(() => {});
    const client = await Http2Client.connect(await pair(mesh, app, Protocol.HTTP2));
    const message = client.post("/", null);
    await eventually(() => app.requests.length === 1, "the request");
    message.stream?.reset("cancel");
    await app.requests[0]?.message.until(() => app.requests[0]?.message.outcome !== undefined, "the reset");
    expect(app.requests[0]?.message.outcome).toMatchObject({ kind: "reset", code: "cancel" });
    client.close();
    app.stop();
  });

  test("an early answer ends the request without an error", async () => {
    await using mesh = new TestMesh();
    const app = new Http2Server((request) => {
      request.answer([[":status", "413"]], "too large");
      request.stream.discardInput();
    });
    const client = await Http2Client.connect(await pair(mesh, app, Protocol.HTTP2));
    const answer = await client.post("/", null).ended();
    expect(answer.status).toBe(413);
    expect(answer.body).toBe("too large");
    client.close();
    app.stop();
  });

  test("requests that a leaving application did not look at are given to its next connection", async () => {
    await using mesh = new TestMesh();
    let count = 0;
    const app = new Http2Server((request) => {
      if (++count === 1) request.stream.reset("refused_stream");
      else request.answer([[":status", "200"]], "second");
    });
    const client = await Http2Client.connect(await pair(mesh, app, Protocol.HTTP2));
    const answer = await client.post("/", "body").ended();
    expect(answer.body).toBe("second");
    expect(app.requests[1]?.message.body).toBe("body");
    client.close();
    app.stop();
  });
});

describe("HTTP/2 to an HTTP/1.1 application", () => {
  test("is translated at the application's side", async () => {
    await using mesh = new TestMesh();
    let seen = "";
    const app = rawServer((peer) => {
      if (!peer.received.endsWith("0\r\nx-sum: 5\r\n\r\n")) return;
      seen = peer.received;
      peer.socket.write(
        "HTTP/1.1 200 Fine\r\nConnection: x-hop\r\nX-Hop: 1\r\nX-Answer: yes\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nx-end: 2\r\n\r\n",
      );
    });
    const client = await Http2Client.connect(await pair(mesh, app, Protocol.HTTP));
    const answer = await client
      .post(
        "/p?q",
        "hello",
        [
          ["cookie", "a=1"],
          ["cookie", "b=2"],
        ],
        [["x-sum", "5"]],
      )
      .ended();
    expect(seen).toStartWith("POST /p?q HTTP/1.1\r\nhost: echo\r\n");
    expect(seen).toContain("\r\ncookie: a=1; b=2\r\n");
    expect(seen).toContain("transfer-encoding: chunked");
    expect(answer.status).toBe(200);
    expect(answer.head?.get("x-answer")).toBe("yes");
    expect(answer.head?.get("x-hop")).toBeUndefined();
    expect(answer.body).toBe("abc");
    expect(answer.trailers?.get("x-end")).toBe("2");
    client.close();
    app.stop();
  });

  test.each([
    ["HEAD", "HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n"],
    ["GET", "HTTP/1.1 204 No Content\r\n\r\n"],
    ["GET", "HTTP/1.1 304 Not Modified\r\ncontent-length: 7\r\n\r\n"],
    ["GET", "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n"],
  ])("a %s response without a body ends with its head", async (method, response) => {
    await using mesh = new TestMesh();
    const app = cannedServer(response);
    const client = await Http2Client.connect(await pair(mesh, app, Protocol.HTTP));
    for (let i = 0; i < 2; i++) {
      const answer = await client.send(requestLine(method, "/")).ended();
      expect(answer.isEnded).toBe(true);
      expect(answer.body).toBe("");
    }
    expect(app.connections.length).toBe(1);
    client.close();
    app.stop();
  });

  test.each([
    ["a control byte in a value", [...requestLine("GET", "/"), ["x-a", "a\u0001b"]]],
    ["a path that a target cannot hold", requestLine("GET", "/a\u00ffb{")],
    [
      "no authority",
      [
        [":method", "GET"],
        [":scheme", "http"],
        [":path", "/"],
      ],
    ],
  ] as const)("%s is refused, not written out", async (_what, entries) => {
    await using mesh = new TestMesh();
    const app = cannedServer("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n");
    const client = await Http2Client.connect(await pair(mesh, app, Protocol.HTTP));
    const answer = await client.send(entries).ended();
    expect(answer.head === undefined ? 400 : answer.status).toBe(400);
    expect(app.connections.every((each) => each.received === "")).toBe(true);
    client.close();
    app.stop();
  });

  test("a malformed answer is a 502", async () => {
    await using mesh = new TestMesh();
    const app = cannedServer("HTTP/1.1 200 OK\r\ncontent-length: x\r\n\r\n");
    const client = await Http2Client.connect(await pair(mesh, app, Protocol.HTTP));
    expect((await client.get("/").ended()).status).toBe(502);
    client.close();
    app.stop();
  });
});

describe("HTTP/1.1 to an HTTP/2 application", () => {
  test("is translated at the application's side", async () => {
    await using mesh = new TestMesh();
    const app = new Http2Server(async (request) => {
      await request.message.ended();
      request.answer(
        [
          [":status", "200"],
          ["x-answer", "yes"],
        ],
        `got ${request.message.body}`,
        [["x-end", "2"]],
      );
    });
    const peer = await RawClient.connect(await pair(mesh, app, Protocol.HTTP2));
    peer.write(
      "POST /p HTTP/1.1\r\nHost: echo\r\nConnection: x-hop\r\nX-Hop: 1\r\nX-Ask: A\r\nTE: trailers\r\n",
    );
    peer.write("Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n");
    const text = await peer.until("x-end: 2\r\n\r\n");
    expect(text).toContain("HTTP/1.1 200");
    expect(text).toContain("x-answer: yes");
    expect(text).toContain("got abc");
    const seen = app.requests[0]?.fields;
    expect(seen?.get("x-ask")).toBe("A");
    expect(seen?.get("x-hop")).toBeUndefined();
    expect(seen?.get("host")).toBeUndefined();
    app.stop();
  });

  test("keeps the client's connection for more", async () => {
    await using mesh = new TestMesh();
    const app = new Http2Server((request) =>
      request.answer([[":status", "200"]], request.fields.get(":path") ?? ""),
    );
    const peer = await RawClient.connect(await pair(mesh, app, Protocol.GRPC));
    for (let i = 0; i < 3; i++) {
      peer.write(`GET /${i} HTTP/1.1\r\nhost: echo\r\n\r\n`);
      expect(await peer.until("0\r\n\r\n")).toContain(`/${i}`);
    }
    expect(app.sessions.length).toBe(1);
    app.stop();
  });
});

describe("gRPC", () => {
  test("a failure of the mesh is a status of gRPC, without a body", async () => {
    await using mesh = new TestMesh();
    const client = await Http2Client.connect((await mesh.client([])).port);
    const answer = await client.post("/svc/Method", "", grpcFields).ended();
    expect(answer.status).toBe(200);
    expect(answer.head?.get("grpc-status")).toBe("14");
    expect(answer.head?.get("grpc-message")).toContain("mesh error");
    client.close();
  });

  test("an application that is not there is UNAVAILABLE through both proxies", async () => {
    await using mesh = new TestMesh();
    const client = await Http2Client.connect(await pair(mesh, { port: 1 }, Protocol.GRPC));
    const answer = await client.post("/svc/Method", "", grpcFields).ended();
    expect(answer.head?.get("grpc-status")).toBe("14");
    client.close();
  });

  test("a deadline is enforced: DEADLINE_EXCEEDED to the client, a reset to the application", async () => {
    await using mesh = new TestMesh();
    const app = new Http2Server(() => {});
    const client = await Http2Client.connect(await pair(mesh, app, Protocol.GRPC));
    const answer = await client.post("/svc/Method", null, [...grpcFields, ["grpc-timeout", "50m"]]).ended();
    expect(answer.head?.get("grpc-status")).toBe("4");
    await eventually(() => app.requests[0]?.message.outcome !== undefined, "the reset");
    client.close();
    app.stop();
  });

  test("trailers only pass as they are", async () => {
    await using mesh = new TestMesh();
    const app = new Http2Server((request) =>
      request.answer([
        [":status", "200"],
        ["content-type", "application/grpc"],
        ["grpc-status", "5"],
      ]),
    );
    const client = await Http2Client.connect(await pair(mesh, app, Protocol.GRPC));
    const answer = await client.post("/svc/Method", "", grpcFields).ended();
    expect(answer.head?.get("grpc-status")).toBe("5");
    expect(answer.isEnded).toBe(true);
    client.close();
    app.stop();
  });
});
