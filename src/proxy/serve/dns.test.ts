/** The name service over real sockets, UDP and TCP, with a resolver behind it. */
import { describe, expect, test } from "bun:test";
import { create } from "@bufbuild/protobuf";
import { NameSchema } from "../../model/index.ts";
import type { ProxyBootstrap } from "../bootstrap.ts";
import type { FakeAgent } from "../testing/fake-agent.ts";
import { TestMesh } from "../testing/test-mesh.ts";
import { expandName } from "../../decide/index.ts";

test.each([
  ["reviews", ["reviews.shop.svc.cluster.local"], false],
  ["reviews.default", ["reviews.default.svc.cluster.local"], false],
  ["reviews.default.svc", ["reviews.default.svc.cluster.local"], true],
  ["reviews.default.svc.cluster.local", ["reviews.default.svc.cluster.local"], true],
  ["example.com.shop.svc.cluster.local", ["example.com.shop.svc.cluster.local"], true],
  ["www.example.com", [], false],
])("%s may stand for %j in the mesh", (name, candidates, isOurs) => {
  expect(expandName(name, "shop", "cluster.local")).toEqual({ candidates, isOurs });
});

function encodeQuery(name: string, type: number): Uint8Array<ArrayBuffer> {
  const labels = name.split(".").flatMap((label) => [label.length, ...Buffer.from(label)]);
  return Uint8Array.from([0xab, 0xcd, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, ...labels, 0, 0, type, 0, 1]);
}

interface Answer {
  readonly rcode: number;
  readonly count: number;
  readonly lastAddress: string;
}

function decode(message: Uint8Array): Answer {
  expect([message[0], message[1]]).toEqual([0xab, 0xcd]);
  return {
    rcode: (message[3] ?? 0) & 15,
    count: message[7] ?? 0,
    lastAddress: (message[7] ?? 0) > 0 ? message.slice(-4).join(".") : "",
  };
}

async function askUdp(port: number, name: string, type = 1, hostname = "127.0.0.1"): Promise<Answer> {
  const { promise, resolve } = Promise.withResolvers<Uint8Array>();
  const socket = await Bun.udpSocket({
    hostname,
    socket: { data: (_socket, message) => resolve(message) },
  });
  socket.send(encodeQuery(name, type), port, hostname);
  const answer = decode(await promise);
  socket.close();
  return answer;
}

async function askTcp(port: number, name: string): Promise<Answer> {
  const { promise, resolve } = Promise.withResolvers<Uint8Array>();
  const message = encodeQuery(name, 1);
  const socket = await Bun.connect({
    hostname: "127.0.0.1",
    port,
    socket: { data: (_socket, chunk) => resolve(chunk.subarray(2)) },
  });
  socket.write(Uint8Array.of(0, message.length));
  socket.write(message);
  const answer = decode(await promise);
  socket.end();
  return answer;
}

async function sidecar(
  mesh: TestMesh,
  dnsUpstreams: string[] = [],
): Promise<{ agent: FakeAgent; port: number }> {
  const names = {
    "reviews.default.svc.cluster.local": create(NameSchema, { addresses: ["240.240.0.7"], ttlSeconds: 30 }),
  };
  const agent = mesh.agent("web", { mesh: mesh.mesh, names });
  const bootstrap: ProxyBootstrap = {
    ...mesh.bootstrap("web", "web"),
    dnsUpstreams,
    capture: { kind: "redirect", outboundPort: 0, inboundPort: 0, dnsPort: 0, mark: 0 },
  };
  const proxy = await mesh.run(bootstrap, agent);
  return { agent, port: proxy.bound.dns?.port ?? 0 };
}

describe("name service", () => {
  test("answers short and full names over UDP and TCP, and prepares for the dial", async () => {
    await using mesh = new TestMesh();
    const { agent, port } = await sidecar(mesh);
    for (const name of [
      "reviews",
      "Reviews.default",
      "reviews.default.svc",
      "reviews.default.svc.cluster.local",
    ]) {
      expect(await askUdp(port, name)).toEqual({ rcode: 0, count: 1, lastAddress: "240.240.0.7" });
    }
    expect((await askTcp(port, "reviews")).lastAddress).toBe("240.240.0.7");
    expect(agent.prefetched).toContain("240.240.0.7");
  });

  test("answers at the loopback address of IPv6 too, where redirected questions of IPv6 arrive", async () => {
    await using mesh = new TestMesh();
    const { port } = await sidecar(mesh);
    expect((await askUdp(port, "reviews", 1, "::1")).lastAddress).toBe("240.240.0.7");
  });

  test("tells a missing family from a missing name", async () => {
    await using mesh = new TestMesh();
    const { port } = await sidecar(mesh);
    expect(await askUdp(port, "reviews", 28)).toMatchObject({ rcode: 0, count: 0 });
    expect(await askUdp(port, "nothing.default.svc.cluster.local")).toMatchObject({ rcode: 3, count: 0 });
  });

  test("refuses names outside where there is no resolver", async () => {
    await using mesh = new TestMesh();
    const { port } = await sidecar(mesh);
    expect((await askUdp(port, "www.example.com")).rcode).toBe(5);
    expect((await askUdp(port, "example.com")).rcode).toBe(5);
  });

  test("fails, and does not lie, while the control plane does not answer", async () => {
    await using mesh = new TestMesh();
    const { agent, port } = await sidecar(mesh);
    agent.isMute = true;
    expect((await askUdp(port, "reviews")).rcode).toBe(2);
  });

  test("forwards other names to a resolver, passing over one that is down", async () => {
    await using mesh = new TestMesh();
    let connections = 0;
    const resolver = Bun.listen({
      hostname: "127.0.0.1",
      port: 0,
      socket: {
        open: () => void connections++,
        data(socket, chunk) {
          // One query at a time in this test: echo it as an answer with one address.
          const message = Buffer.concat([
            chunk,
            Buffer.from([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 1, 0, 4, 192, 0, 2, 9]),
          ]);
          message.writeUInt16BE(message.length - 2, 0);
          message[4] = 0x81;
          message[9] = 1;
          socket.write(message);
        },
      },
    });
    const { port } = await sidecar(mesh, ["127.0.0.1:1", `127.0.0.1:${resolver.port}`]);
    expect(await askUdp(port, "www.example.com")).toEqual({ rcode: 0, count: 1, lastAddress: "192.0.2.9" });
    expect(await askUdp(port, "example.com")).toEqual({ rcode: 0, count: 1, lastAddress: "192.0.2.9" });
    expect(connections).toBe(1);
    resolver.stop(true);
  });
});
