/** HTTP/1.1 through two sidecars with mutual TLS between them, byte for byte, and its back-pressure. */
import { describe, expect, test } from "bun:test";
import { kernelBytes } from "../testing/kernel-bytes.ts";
import { eventually, settles } from "../testing/eventually.ts";
import { cannedServer, RawClient, rawServer } from "../testing/raw-peer.ts";
import { TestMesh } from "../testing/test-mesh.ts";

const hello = "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello";

/** A client connected through two sidecars to an application that `onData` plays. */
async function pair(
  mesh: TestMesh,
  app: { readonly port: number },
): Promise<{ peer: RawClient; port: number }> {
  const server = await mesh.server("echo-1", app.port);
  const client = await mesh.client([server.endpoint]);
  return { peer: await RawClient.connect(client.port), port: client.port };
}

describe("HTTP through two sidecars", () => {
  test("keeps connections alive on both sides", async () => {
    await using mesh = new TestMesh();
    const app = cannedServer(hello);
    const { peer } = await pair(mesh, app);
    for (let i = 0; i < 5; i++) {
      peer.write("GET / HTTP/1.1\r\nhost: echo\r\n\r\n");
      expect((await peer.response()).body).toBe("hello");
    }
    expect(app.connections.length).toBe(1);
    app.stop();
  });

  test("answers pipelined requests in their order", async () => {
    await using mesh = new TestMesh();
    const app = rawServer((peer) => {
      const match = /GET \/(\d+) .*?\r\n\r\n/s.exec(peer.received);
      if (match === null) return;
      peer.received = "";
      // The first takes longest: an answer that overtakes another would show.
      const answer = `HTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\n${match[1]}`;
      setTimeout(() => void peer.socket.write(answer), match[1] === "0" ? 30 : 0);
    });
    const { peer } = await pair(mesh, app);
    peer.write([0, 1, 2, 3].map((i) => `GET /${i} HTTP/1.1\r\nhost: echo\r\n\r\n`).join(""));
    for (let i = 0; i < 4; i++) expect((await peer.response()).body).toBe(String(i));
    app.stop();
  });

  test("a thousand pipelined requests that are refused at once need no stack", async () => {
    await using mesh = new TestMesh();
    const client = await mesh.client([]);
    const peer = await RawClient.connect(client.port);
    peer.write("GET / HTTP/1.1\r\nhost: echo\r\n\r\n".repeat(1_000));
    for (let i = 0; i < 1_000; i++) expect((await peer.response()).status).toBe(503);
  });

  test("passes chunked bodies both ways with their trailers", async () => {
    await using mesh = new TestMesh();
    let seen = "";
    const app = rawServer((peer) => {
      if (!peer.received.endsWith("x-sum: 1\r\n\r\n")) return;
      seen = peer.received;
      peer.received = "";
      peer.socket.write(
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\ntrailer: x-end\r\n\r\n3\r\nabc\r\n",
      );
      peer.socket.write("2\r\nde\r\n0\r\nx-end: 2\r\n\r\n");
    });
    const { peer } = await pair(mesh, app);
    peer.write("POST / HTTP/1.1\r\nhost: echo\r\ntransfer-encoding: chunked\r\ntrailer: x-sum\r\n\r\n");
    peer.write("4\r\nwxyz\r\n0\r\nx-sum: 1\r\n\r\n");
    const response = await peer.until("x-end: 2\r\n\r\n");
    expect(response.replaceAll(/\r\n[0-9a-f]+\r\n/g, "|")).toContain("abc|de");
    expect(seen).toContain("transfer-encoding: chunked");
    expect(seen).toContain("wxyz");
    app.stop();
  });

  test("a response that ends with its connection reaches a keep-alive client as chunks", async () => {
    await using mesh = new TestMesh();
    const app = rawServer((peer) => {
      peer.socket.end("HTTP/1.1 200 OK\r\n\r\nall of it");
    });
    const { peer } = await pair(mesh, app);
    peer.write("GET / HTTP/1.1\r\nhost: echo\r\n\r\n");
    const text = await peer.until("0\r\n\r\n");
    expect(text.toLowerCase()).toContain("transfer-encoding: chunked");
    expect(text).toContain("9\r\nall of it\r\n");
    app.stop();
  });

  test("an HTTP/1.0 client gets a response without chunks, then the end", async () => {
    await using mesh = new TestMesh();
    const app = cannedServer("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n");
    const { peer } = await pair(mesh, app);
    peer.write("GET / HTTP/1.0\r\n\r\n");
    const text = await peer.toEnd();
    expect(text.endsWith("\r\n\r\nhello")).toBe(true);
    expect(text.toLowerCase()).not.toContain("transfer-encoding");
    app.stop();
  });

  test.each([
    ["HEAD", "HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n", "content-length: 100"],
    ["GET", "HTTP/1.1 204 No Content\r\n\r\n", "204"],
    ["GET", "HTTP/1.1 304 Not Modified\r\ncontent-length: 7\r\n\r\n", "304"],
  ])("a %s response without a body leaves the connection usable", async (method, response, expected) => {
    await using mesh = new TestMesh();
    const app = cannedServer(response);
    const { peer } = await pair(mesh, app);
    for (let i = 0; i < 2; i++) {
      peer.write(`${method} / HTTP/1.1\r\nhost: echo\r\n\r\n`);
      expect((await peer.until("\r\n\r\n")).toLowerCase()).toContain(expected.toLowerCase());
    }
    expect(app.connections.length).toBe(1);
    app.stop();
  });

  test("passes 100 Continue on, and the body only after it", async () => {
    await using mesh = new TestMesh();
    const app = rawServer((peer) => {
      if (peer.received.endsWith("\r\n\r\n")) peer.socket.write("HTTP/1.1 100 Continue\r\n\r\n");
      if (peer.received.endsWith("body")) peer.socket.write(hello);
    });
    const { peer } = await pair(mesh, app);
    peer.write("PUT / HTTP/1.1\r\nhost: echo\r\nexpect: 100-continue\r\ncontent-length: 4\r\n\r\n");
    await peer.until("HTTP/1.1 100 Continue\r\n\r\n");
    peer.write("body");
    expect((await peer.response()).body).toBe("hello");
    app.stop();
  });

  test("a refused expectation ends the connection, since nobody knows whether the body comes", async () => {
    await using mesh = new TestMesh();
    const app = cannedServer("HTTP/1.1 417 Expectation Failed\r\ncontent-length: 0\r\n\r\n");
    const { peer } = await pair(mesh, app);
    peer.write("PUT / HTTP/1.1\r\nhost: echo\r\nexpect: 100-continue\r\ncontent-length: 4\r\n\r\n");
    const text = await peer.toEnd();
    expect(text).toContain("417");
    expect(text.toLowerCase()).toContain("connection: close");
    app.stop();
  });

  test("an answer before the end of the request's body leaves the connection usable", async () => {
    await using mesh = new TestMesh();
    const app = rawServer((peer) => {
      if (peer.received.includes("\r\n\r\n")) peer.socket.write(hello);
      peer.received = "";
    });
    const { peer } = await pair(mesh, app);
    peer.write("POST / HTTP/1.1\r\nhost: echo\r\ncontent-length: 10\r\n\r\n12345");
    expect((await peer.response()).body).toBe("hello");
    peer.write("67890GET / HTTP/1.1\r\nhost: echo\r\n\r\n");
    expect((await peer.response()).body).toBe("hello");
    app.stop();
  });

  test("a WebSocket handshake becomes a tunnel for bytes", async () => {
    await using mesh = new TestMesh();
    const app = rawServer((peer, chunk) => {
      if (peer.received.endsWith("\r\n\r\n")) {
        peer.received = "upgraded";
        peer.socket.write(
          "HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\nfirst",
        );
      } else if (peer.received.startsWith("upgraded")) {
        peer.socket.write(chunk);
      }
    });
    const { peer } = await pair(mesh, app);
    peer.write("GET / HTTP/1.1\r\nhost: echo\r\nconnection: Upgrade\r\nupgrade: websocket\r\n\r\n");
    const head = await peer.until("\r\n\r\n");
    expect(head).toContain("101");
    expect(head.toLowerCase()).toContain("upgrade: websocket");
    await peer.until("first");
    peer.write("\x81\x00ping");
    expect(await peer.until("ping")).toBe("\x81\x00ping");
    peer.shutdown();
    await peer.toEnd();
    app.stop();
  });

  test("adds a request id, and keeps the one that came", async () => {
    await using mesh = new TestMesh();
    const seen: string[] = [];
    const app = rawServer((peer) => {
      seen.push(/x-request-id: (.*)\r\n/.exec(peer.received)?.[1] ?? "none");
      peer.received = "";
      peer.socket.write(hello);
    });
    const { peer } = await pair(mesh, app);
    peer.write("GET / HTTP/1.1\r\nhost: echo\r\n\r\n");
    await peer.response();
    peer.write("GET / HTTP/1.1\r\nhost: echo\r\nx-request-id: mine\r\n\r\n");
    await peer.response();
    expect(seen[0]).toMatch(/^[0-9a-z]{12}-[0-9a-z]+$/);
    expect(seen[1]).toBe("mine");
    app.stop();
  });

  test("tells the application who called, whatever the caller says about itself", async () => {
    await using mesh = new TestMesh();
    let seen = "";
    const app = rawServer((peer) => {
      seen = peer.received;
      peer.socket.write(hello);
    });
    const { peer } = await pair(mesh, app);
    peer.write("GET / HTTP/1.1\r\nhost: echo\r\nx-forwarded-client-cert: URI=spiffe://forged\r\n\r\n");
    await peer.response();
    expect(seen).not.toContain("forged");
    expect(seen).toContain(`URI=${mesh.authority.identity("web")}`);
    app.stop();
  });
});

describe("back-pressure", () => {
  const size = 64 * 1_048_576;
  /** What may lie in the two proxies: a few high-water marks of 256 KB, and what one read of Bun's takes on each hop. */
  const maxHeldBytes = 4 * 1_048_576;

  test("a client that reads slowly slows the application down", async () => {
    await using mesh = new TestMesh();
    let sent = 0;
    const chunk = Buffer.alloc(65_536, 0x61);
    const fill = (socket: Bun.Socket<unknown>): void => {
      while (sent < size) {
        const written = socket.write(chunk.subarray(0, Math.min(chunk.length, size - sent)));
        sent += Math.max(0, written);
        if (written < chunk.length) return;
      }
    };
    const listener = Bun.listen({
      hostname: "127.0.0.1",
      port: 0,
      socket: {
        data(socket) {
          socket.write(`HTTP/1.1 200 OK\r\ncontent-length: ${size}\r\n\r\n`);
          fill(socket);
        },
        drain: fill,
      },
    });
    const { peer } = await pair(mesh, listener);
    peer.write("GET / HTTP/1.1\r\nhost: echo\r\n\r\n");
    await peer.until("\r\n\r\n");
    peer.pause();
    await settles(() => sent);
    expect(sent).toBeLessThan(size);
    expect(sent - peer.totalBytes - kernelBytes()).toBeLessThan(maxHeldBytes);
    peer.resume();
    while (peer.totalBytes < size) {
      peer.forget();
      await Bun.sleep(1);
    }
    expect(sent).toBe(size);
    listener.stop(true);
  });

  test("an application that reads slowly slows the client down", async () => {
    await using mesh = new TestMesh();
    let received = 0;
    let isPaused = false;
    const app = rawServer((peer, chunk) => {
      received += chunk.length;
      peer.received = "";
      if (!isPaused && received < size) {
        isPaused = true;
        peer.socket.pause();
      }
    });
    const { peer } = await pair(mesh, app);
    peer.write(`POST / HTTP/1.1\r\nhost: echo\r\ncontent-length: ${size}\r\n\r\n`);
    peer.write(new Uint8Array(size));
    await settles(() => peer.unsentBytes);
    expect(peer.unsentBytes).toBeGreaterThan(0);
    expect(size - peer.unsentBytes - received - kernelBytes()).toBeLessThan(maxHeldBytes);
    app.connections[0]?.socket.resume();
    await eventually(() => received >= size, "the application has it all");
    app.connections[0]?.socket.write(hello);
    expect((await peer.response()).body).toBe("hello");
    app.stop();
  });
});
