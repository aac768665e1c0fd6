/** TCP sessions to a Service that asks for the PROXY protocol begin with its header; requests do not. */
import { describe, expect, test } from "bun:test";
import { create } from "@bufbuild/protobuf";
import { AddressSchema, ClusterSchema, Protocol, Tunnel } from "../../model/index.ts";
import type { FakeConfiguration } from "../testing/fake-agent.ts";
import { cannedServer, RawClient, rawServer } from "../testing/raw-peer.ts";
import { TestMesh } from "../testing/test-mesh.ts";

const hello = "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello";

const asking =
  (proxyProtocol: number) =>
  (configuration: FakeConfiguration): FakeConfiguration => ({
    ...configuration,
    clusters: (configuration.clusters ?? []).map((cluster) =>
      create(ClusterSchema, { ...cluster, proxyProtocol }),
    ),
  });

/** Says first what it was told, as a server does that greets only behind a header. */
function listener() {
  return rawServer((peer) => {
    if (/^PROXY .*\r\n/.test(peer.received) || peer.received.startsWith("\r\n\r\n\0\r\nQUIT\n"))
      peer.socket.write("220 ready\r\n");
  });
}

describe("a TCP session begins with the header", () => {
  test.each([
    ["through a tunnel, declared TCP", Protocol.TCP, Tunnel.WEFT],
    ["through a tunnel, declared TLS", Protocol.TLS, Tunnel.WEFT],
    ["through a tunnel, undeclared", Protocol.UNSPECIFIED, Tunnel.WEFT],
    ["without a tunnel", Protocol.TCP, Tunnel.NONE],
  ])("%s", async (_name, protocol, tunnel) => {
    await using mesh = new TestMesh();
    const app = listener();
    const server = await mesh.server("echo-1", app.port, Protocol.TCP);
    const endpoint = { ...server.endpoint, tunnel };
    const client = await mesh.client([endpoint], { protocol }, { change: asking(1) });
    const peer = await RawClient.connect(client.port);
    // The server speaks as soon as it has the header, before the client says anything.
    await peer.until("220 ready\r\n");
    peer.write("QUIT\r\n");
    await peer.until("220 ready\r\n");
    const [line, rest] = (app.connections[0]?.received ?? "").split("\r\n");
    const fields = /^PROXY TCP4 127\.0\.0\.1 127\.0\.0\.1 (\d+) (\d+)$/.exec(line ?? "");
    expect(Number(fields?.[1])).toBe(peer.localPort);
    expect(Number(fields?.[2])).toBe(client.port);
    expect(rest).toBe("QUIT");
    app.stop();
  });

  test("in version 2, with where redirected traffic was going", async () => {
    await using mesh = new TestMesh();
    const app = listener();
    const server = await mesh.server("echo-1", app.port, Protocol.TCP);
    const service = create(AddressSchema, {
      target: { case: "service", value: { namespace: "default", name: "echo", ports: [{ port: 80 }] } },
    });
    const configuration = asking(2)(mesh.clientConfiguration([server.endpoint], { protocol: Protocol.TCP }));
    const agent = mesh.agent("web", { ...configuration, destinations: { "240.240.0.1": service } });
    const proxy = await mesh.run(
      {
        ...mesh.bootstrap("web", "web"),
        capture: { kind: "redirect", outboundPort: 0, inboundPort: 0, dnsPort: 0, mark: 0 },
      },
      agent,
      { destinationOf: () => ({ address: "240.240.0.1", port: 80 }) },
    );
    const peer = await RawClient.connect(proxy.bound.outbound[0]?.port ?? 0);
    await peer.until("220 ready\r\n");
    const header = Buffer.from(app.connections[0]?.received ?? "", "latin1");
    expect([...header.subarray(12, 24)]).toEqual([0x21, 0x11, 0, 12, 127, 0, 0, 1, 240, 240, 0, 1]);
    expect([header.readUInt16BE(24), header.readUInt16BE(26)]).toEqual([peer.localPort, 80]);
    expect(header.length).toBe(28);
    app.stop();
  });
});

test("requests share connections, which begin with none", async () => {
  await using mesh = new TestMesh();
  const app = cannedServer(hello);
  const server = await mesh.server("echo-1", app.port);
  const client = await mesh.client([server.endpoint], {}, { change: asking(1) });
  const peer = await RawClient.connect(client.port);
  peer.write("GET / HTTP/1.1\r\nhost: echo\r\n\r\n");
  expect((await peer.response()).body).toBe("hello");
  app.stop();
});
