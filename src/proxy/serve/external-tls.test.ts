/** TLS that the mesh begins towards external services: for one name, for the name that a request said, and for bytes. */
import { expect, test } from "bun:test";
import { createServer } from "node:tls";
import { Protocol } from "../../model/index.ts";
import { BackendRoot } from "../testing/backend-root.ts";
import { ExternalScene, get, type ServiceOptions, virtualIp } from "../testing/external-scene.ts";

const root = new BackendRoot("outside");
const destination = { address: virtualIp, port: 80 };
const names = {
  "api.example.com": ["127.0.0.1"],
  "a.example.org": ["127.0.0.1"],
  "b.example.org": ["127.0.0.1"],
};

/** Its certificate is for `name` alone. Answers with the server name that it was asked for, and what it was sent. */
async function tlsServer(name: string) {
  const { certChainPem: cert, privateKeyPem: key } = root.issue({ dns: name });
  const server = createServer({ cert, key }, (socket) => {
    socket.on("error", () => {});
    socket.on("data", (chunk) => {
      const body = `${String(socket.servername)} ${chunk.toString("latin1").split("\r\n")[0]}`;
      socket.write(`HTTP/1.1 200 OK\r\ncontent-length: ${body.length}\r\n\r\n${body}`);
    });
  });
  server.on("tlsClientError", () => {});
  await new Promise<void>((resolve) => void server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("not listening");
  return { port: address.port, [Symbol.dispose]: () => void server.close() };
}

function tls(hostname: string) {
  return { hostname, caPem: root.pem, encryptsBytes: true };
}

function service(
  protocol: Protocol,
  cluster: ServiceOptions["cluster"],
  hosts: string[] = [],
): ServiceOptions {
  return { name: "api", port: 80, protocol, hosts, cluster };
}

test("a request in plaintext reaches a server that speaks TLS, whose place is looked up", async () => {
  using app = await tlsServer("api.example.com");
  const dns = { hosts: [{ name: "api.example.com", port: app.port, weight: 1 }] };
  const services = [service(Protocol.HTTP, { dns, tls: tls("api.example.com") })];
  await using scene = await ExternalScene.start(services, destination, { zone: { names } });
  for (let i = 0; i < 2; i++) {
    const peer = await scene.dial();
    peer.write(get("api.example.com"));
    expect((await peer.response()).body).toBe("api.example.com GET / HTTP/1.1");
    peer.terminate();
  }
});

test("the name that a request says is the one that is verified", async () => {
  using app = await tlsServer("a.example.org");
  const cluster = { original: { port: app.port }, tls: tls("") };
  const services = [service(Protocol.HTTP, cluster, ["*.example.org"])];
  await using scene = await ExternalScene.start(services, destination, { zone: { names } });
  const peer = await scene.dial();
  peer.write(get("a.example.org"));
  expect((await peer.response()).body).toBe("a.example.org GET / HTTP/1.1");
  // The same server, on the same connection of the client, proves nothing of the other name.
  peer.write(get("b.example.org"));
  expect((await peer.response()).status).toBe(502);
  expect((await scene.log(2))[1]).toMatchObject({ reason: "backend_tls_failed" });
});

test("bytes that are no HTTP are encrypted as well", async () => {
  using app = await tlsServer("api.example.com");
  const dns = { hosts: [{ name: "api.example.com", port: app.port, weight: 1 }] };
  const services = [service(Protocol.TCP, { dns, tls: tls("api.example.com") })];
  await using scene = await ExternalScene.start(services, destination, { zone: { names } });
  const peer = await scene.dial();
  peer.write("PING\r\n");
  await peer.until("api.example.com PING");
});
