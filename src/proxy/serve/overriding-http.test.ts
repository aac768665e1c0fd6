/** What a program says of its own requests: obeyed in its sidecar where the mesh says so, and never from outside. */
import { expect, test } from "bun:test";
import { create } from "@bufbuild/protobuf";
import { GatewaySchema, MeshSchema, Protocol } from "../../model/index.ts";
import { freePort } from "../testing/eventually.ts";
import { RawClient, rawServer } from "../testing/raw-peer.ts";
import { TestMesh } from "../testing/test-mesh.ts";

const busy = "HTTP/1.1 503 No\r\ncontent-length: 0\r\n\r\n";

/** Answers each request with 503; one for /slow not at all. */
function application() {
  const requests: string[] = [];
  const server = rawServer((peer) => {
    requests.push(peer.received);
    peer.received = "";
    if (!requests.at(-1)?.includes("/slow")) peer.socket.write(busy);
  });
  return { requests, server };
}

async function sidecar(mesh: TestMesh, port: number, honourRequestOverrides: boolean): Promise<RawClient> {
  const { endpoint } = await mesh.server("echo-1", port);
  const change = { mesh: create(MeshSchema, { ...mesh.mesh, honourRequestOverrides }) };
  const client = await mesh.client(
    [endpoint],
    {},
    { change: (configuration) => ({ ...configuration, ...change }) },
  );
  return await RawClient.connect(client.port);
}

function get(path: string, override: string): string {
  return `GET ${path} HTTP/1.1\r\nhost: echo\r\nweft-override: ${override}\r\n\r\n`;
}

test("are obeyed where the mesh honours them, and go no further", async () => {
  await using mesh = new TestMesh();
  const app = application();
  const peer = await sidecar(mesh, app.server.port, true);
  peer.write(get("/", "retries=0"));
  expect((await peer.response()).status).toBe(503);
  expect(app.requests).toHaveLength(1);
  peer.write(get("/", "retries=1"));
  expect((await peer.response()).status).toBe(503);
  expect(app.requests).toHaveLength(3);
  peer.write(get("/slow", "timeout=30, retries=0"));
  expect((await peer.response()).status).toBe(504);
  expect(app.requests.filter((request) => request.includes("weft-override"))).toEqual([]);
  app.server.stop();
});

test("are the application's own business where the mesh ignores them", async () => {
  await using mesh = new TestMesh();
  const app = application();
  const peer = await sidecar(mesh, app.server.port, false);
  peer.write(get("/", "retries=0"));
  expect((await peer.response()).status).toBe(503);
  // Two retries are the default.
  expect(app.requests).toHaveLength(3);
  expect(app.requests[0]).toContain("weft-override: retries=0");
  app.server.stop();
});

test("do not enter at a gateway", async () => {
  await using mesh = new TestMesh();
  const app = application();
  const { endpoint } = await mesh.server("echo-1", app.server.port);
  const port = freePort();
  const http = {
    entries: [{ match: {}, rule: 0 }],
    rules: [{ backends: [{ cluster: "default/echo:80", weight: 1 }] }],
  };
  const listeners = [
    { name: "http", port, protocol: Protocol.HTTP, virtualHosts: [{ hostname: "*", http }] },
  ];
  const agent = mesh.agent("edge", {
    ...mesh.clientConfiguration([endpoint]),
    mesh: create(MeshSchema, { ...mesh.mesh, honourRequestOverrides: true }),
    gateways: [create(GatewaySchema, { source: { namespace: "default", name: "edge" }, listeners })],
  });
  const gateway = { kind: "tcp", address: "127.0.0.1" } as const;
  await mesh.run({ ...mesh.bootstrap("edge", "edge"), role: "gateway", gateway }, agent);
  const peer = await RawClient.connect(port);
  peer.write(get("/", "retries=0"));
  expect((await peer.response()).status).toBe(503);
  expect(app.requests).toHaveLength(3);
  expect(app.requests.filter((request) => request.includes("weft-override"))).toEqual([]);
  app.server.stop();
});
