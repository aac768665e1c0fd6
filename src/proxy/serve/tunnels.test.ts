/** Switches of protocols and tunnels through two sidecars, whichever versions of HTTP the two ends speak. */
import { describe, expect, test } from "bun:test";
import { createHash } from "node:crypto";
import { HeaderFields } from "../../http2/index.ts";
import { Protocol } from "../../model/index.ts";
import { eventually } from "../testing/eventually.ts";
import { Http2Client, Http2Server } from "../testing/http2-peer.ts";
import { cannedServer, RawClient, rawServer } from "../testing/raw-peer.ts";
import { TestMesh } from "../testing/test-mesh.ts";

async function pair(mesh: TestMesh, app: { readonly port: number }, protocol: Protocol): Promise<number> {
  const server = await mesh.server("echo-1", app.port, protocol);
  return (await mesh.client([server.endpoint])).port;
}

describe("WebSocket", () => {
  const key = "dGhlIHNhbXBsZSBub25jZQ==";
  const accept = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";

  test("over HTTP/2 reaches an HTTP/1.1 application, bytes both ways, each end by itself", async () => {
    await using mesh = new TestMesh();
    const app = rawServer((peer) => {
      const asked = /sec-websocket-key: (\S+)\r\n/.exec(peer.received)?.[1];
      if (asked !== undefined && peer.received.endsWith("\r\n\r\n")) {
        expect(peer.received).toStartWith("GET /chat HTTP/1.1\r\n");
        peer.received = "";
        const digest = createHash("sha1")
          .update(`${asked}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`)
          .digest("base64");
        peer.socket.write(
          `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${digest}\r\n\r\nhi`,
        );
      } else if (peer.received === "ping") {
        peer.socket.write("pong");
      }
    });
    const client = await Http2Client.connect(await pair(mesh, app, Protocol.HTTP));
    await eventually(() => client.session.peerAcceptsExtendedConnect, "the setting");
    const message = client.send(
      [
        [":method", "CONNECT"],
        [":protocol", "websocket"],
        [":scheme", "http"],
        [":authority", "echo"],
        [":path", "/chat"],
        ["sec-websocket-version", "13"],
      ],
      null,
    );
    await message.until(() => message.body === "hi", "the greeting");
    expect(message.status).toBe(200);
    expect(message.head?.get("sec-websocket-accept")).toBeUndefined();
    message.stream?.write(Buffer.from("ping"));
    await message.until(() => message.body === "hipong", "the pong");
    message.stream?.end();
    app.connections[0]?.socket.end();
    await message.ended();
    client.close();
    app.stop();
  });

  test("over HTTP/1.1 reaches an HTTP/2 application", async () => {
    await using mesh = new TestMesh();
    const app = new Http2Server((request) => {
      request.stream.sendHead(
        request.fields.get(":path") === "/no" ? noHead() : okHead(),
        request.fields.get(":path") === "/no",
      );
    });
    const port = await pair(mesh, app, Protocol.HTTP2);
    const peer = await RawClient.connect(port);
    // The application's settings are known once something has been asked of it.
    peer.write("GET /warm HTTP/1.1\r\nhost: echo\r\n\r\n");
    await eventually(() => app.sessions.length === 1, "a session");
    app.requests[0]?.stream.end();
    const socket = await RawClient.connect(port);
    socket.write(
      `GET /chat HTTP/1.1\r\nhost: echo\r\nconnection: upgrade\r\nupgrade: websocket\r\nsec-websocket-key: ${key}\r\nsec-websocket-version: 13\r\n\r\n`,
    );
    const head = await socket.until("\r\n\r\n");
    expect(head).toStartWith("HTTP/1.1 101");
    expect(head).toContain(`sec-websocket-accept: ${accept}`);
    socket.write("ping");
    const request = app.requests.at(-1);
    await request?.message.until(() => request.message.body === "ping", "the ping");
    request?.stream.write(Buffer.from("pong"));
    await socket.until("pong");
    app.stop();
  });
});

describe("CONNECT", () => {
  test("goes to the application, which may be a proxy, and becomes a tunnel", async () => {
    await using mesh = new TestMesh();
    const app = rawServer((peer) => {
      if (peer.received.startsWith("CONNECT db:5432 HTTP/1.1\r\n") && peer.received.endsWith("\r\n\r\n")) {
        peer.received = "";
        peer.socket.write("HTTP/1.1 200 Connected\r\n\r\n");
      } else if (peer.received === "ping") {
        peer.socket.write("pong");
      }
    });
    const peer = await RawClient.connect(await pair(mesh, app, Protocol.HTTP));
    peer.write("CONNECT db:5432 HTTP/1.1\r\nhost: db:5432\r\n\r\n");
    expect(await peer.until("\r\n\r\n")).toStartWith("HTTP/1.1 200");
    peer.write("ping");
    expect(await peer.until("pong")).toBe("pong");
    app.stop();
  });

  test("over HTTP/2 reaches an HTTP/1.1 proxy", async () => {
    await using mesh = new TestMesh();
    const app = rawServer((peer) => {
      if (peer.received.startsWith("CONNECT db:5432 HTTP/1.1\r\n") && peer.received.endsWith("\r\n\r\n")) {
        peer.received = "";
        peer.socket.write("HTTP/1.1 200 Connected\r\n\r\n");
      } else if (peer.received === "ping") {
        peer.socket.write("pong");
      }
    });
    const client = await Http2Client.connect(await pair(mesh, app, Protocol.HTTP));
    const message = client.send(
      [
        [":method", "CONNECT"],
        [":authority", "db:5432"],
      ],
      null,
    );
    await message.until(() => message.status === 200, "the answer");
    message.stream?.write(Buffer.from("ping"));
    await message.until(() => message.body === "pong", "the pong");
    client.close();
    app.stop();
  });

  test("that is refused leaves an ordinary answer", async () => {
    await using mesh = new TestMesh();
    const app = cannedServer("HTTP/1.1 403 Forbidden\r\ncontent-length: 2\r\n\r\nno");
    const peer = await RawClient.connect(await pair(mesh, app, Protocol.HTTP));
    peer.write("CONNECT db:5432 HTTP/1.1\r\nhost: db:5432\r\n\r\n");
    expect((await peer.response()).body).toBe("no");
    app.stop();
  });
});

describe("the ways to HTTP/2", () => {
  test("an upgrade from HTTP/1.1 answers the request as stream 1", async () => {
    await using mesh = new TestMesh();
    const app = cannedServer("HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello");
    const peer = await RawClient.connect(await pair(mesh, app, Protocol.HTTP));
    peer.write(
      "GET / HTTP/1.1\r\nhost: echo\r\nconnection: upgrade, http2-settings\r\nupgrade: h2c\r\nhttp2-settings: AAMAAABk\r\n\r\n",
    );
    expect(await peer.until("\r\n\r\n")).toStartWith("HTTP/1.1 101");
    peer.write("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\u0004\0\0\0\0\0");
    expect(await peer.until("hello")).toContain("hello");
    app.stop();
  });

  test("one that is not asked for rightly is answered in HTTP/1.1", async () => {
    await using mesh = new TestMesh();
    const app = cannedServer("HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello");
    const peer = await RawClient.connect(await pair(mesh, app, Protocol.HTTP));
    peer.write(
      "GET / HTTP/1.1\r\nhost: echo\r\nconnection: upgrade\r\nupgrade: h2c\r\nhttp2-settings: AAMAAABk\r\n\r\n",
    );
    expect((await peer.response()).body).toBe("hello");
    app.stop();
  });
});

function okHead(): HeaderFields {
  return HeaderFields.of([[":status", "200"]]);
}

function noHead(): HeaderFields {
  return HeaderFields.of([[":status", "403"]]);
}
