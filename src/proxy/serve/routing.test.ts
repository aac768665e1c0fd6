/** Routes as the data path applies them: weights, edits, refusals, and the signals that follow. */
import { describe, expect, test } from "bun:test";
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { type Endpoint, HttpRoutingSchema } from "../../model/index.ts";
import { scrape } from "../testing/eventually.ts";
import { cannedServer, RawClient, rawServer } from "../testing/raw-peer.ts";
import { TestMesh } from "../testing/test-mesh.ts";

const get = "GET / HTTP/1.1\r\nhost: echo\r\n\r\n";

function answer(text: string): string {
  return `HTTP/1.1 200 OK\r\ncontent-length: ${text.length}\r\n\r\n${text}`;
}

function route(rule: NonNullable<MessageInitShape<typeof HttpRoutingSchema>["rules"]>[number]) {
  return create(HttpRoutingSchema, { entries: [{ match: {}, rule: 0 }], rules: [rule] });
}

/** The endpoint as a member of another cluster. */
function inCluster(endpoint: Endpoint, cluster: string): Endpoint {
  return { ...endpoint, cluster };
}

describe("routes", () => {
  test("weights share out requests, and every request is answered while they change", async () => {
    await using mesh = new TestMesh();
    const apps = [cannedServer(answer("v1")), cannedServer(answer("v2"))];
    const one = await mesh.server("echo-1", apps[0]?.port ?? 0);
    const two = await mesh.server("echo-2", apps[1]?.port ?? 0);
    const endpoints = [inCluster(one.endpoint, "default/v1:80"), inCluster(two.endpoint, "default/v2:80")];
    const split = (first: number): ReturnType<typeof route> =>
      route({
        backends: [
          { cluster: "default/v1:80", weight: first },
          { cluster: "default/v2:80", weight: 100 - first },
        ],
      });
    const client = await mesh.client(endpoints, { http: split(90) });
    const peer = await RawClient.connect(client.port);
    const count = async (requests: number, each: (i: number) => void): Promise<number> => {
      let first = 0;
      for (let i = 0; i < requests; i++) {
        each(i);
        peer.write(get);
        const response = await peer.response();
        expect(response.status).toBe(200);
        if (response.body === "v1") first++;
      }
      return first;
    };
    // 2,000 draws at 0.9: three points are more than four standard deviations.
    expect(Math.abs((await count(2_000, () => {})) - 1_800)).toBeLessThan(60);
    const steps = await count(500, (i) => {
      if (i % 10 === 0) client.agent.configure(mesh.clientConfiguration(endpoints, { http: split(i % 100) }));
    });
    expect(steps).toBeGreaterThan(0);
    for (const app of apps) app.stop();
  });

  test("edits headers of requests and responses", async () => {
    await using mesh = new TestMesh();
    let seen = "";
    const app = rawServer((peer) => {
      seen = peer.received;
      peer.socket.write("HTTP/1.1 200 OK\r\nx-internal: 1\r\nx-old: a\r\ncontent-length: 0\r\n\r\n");
    });
    const server = await mesh.server("echo-1", app.port);
    const http = route({
      requestHeaders: { set: [{ name: "x-env", value: "prod" }], remove: ["cookie"] },
      responseHeaders: {
        add: [{ name: "x-more", value: "b" }],
        set: [{ name: "x-old", value: "n" }],
        remove: ["x-internal"],
      },
      backends: [{ cluster: "default/echo:80", weight: 1 }],
    });
    const client = await mesh.client([server.endpoint], { http });
    const peer = await RawClient.connect(client.port);
    peer.write("GET / HTTP/1.1\r\nhost: echo\r\nX-Env: dev\r\nCookie: secret\r\nX-Kept: yes\r\n\r\n");
    const { head } = await peer.response();
    expect(seen).toContain("x-env: prod\r\n");
    expect(seen).toContain("X-Kept: yes\r\n");
    expect(seen.toLowerCase()).not.toContain("cookie");
    expect(seen).not.toContain("dev");
    expect(head).toContain("x-more: b\r\n");
    expect(head).toContain("x-old: n\r\n");
    expect(head).not.toContain("x-internal");
    app.stop();
  });

  test.each([
    ["no rule matches", create(HttpRoutingSchema, { entries: [], rules: [] }), 404, "no_route"],
    [
      "its backend does not resolve",
      route({ backends: [{ cluster: "", weight: 1, unresolved: "no such service" }] }),
      500,
      "backend_unresolved",
    ],
    [
      "its cluster is empty",
      route({ backends: [{ cluster: "default/empty:80", weight: 1 }] }),
      503,
      "no_endpoint",
    ],
  ])("a request is refused and counted where %s", async (_what, http, status, reason) => {
    await using mesh = new TestMesh();
    const client = await mesh.client([], { http });
    const peer = await RawClient.connect(client.port);
    peer.write(get);
    const response = await peer.response();
    expect(response.status).toBe(status);
    expect(response.body).not.toContain(reason);
    expect(await scrape(client.proxy)).toContain(`error_type="${reason}"`);
    // Refusals do not cost the client its connection.
    peer.write(get);
    expect((await peer.response()).status).toBe(status);
  });

  test("a service that is deleted is refused on connections that were opened before", async () => {
    await using mesh = new TestMesh();
    const app = cannedServer(answer("ok"));
    const server = await mesh.server("echo-1", app.port);
    const client = await mesh.client([server.endpoint]);
    const peer = await RawClient.connect(client.port);
    peer.write(get);
    expect((await peer.response()).status).toBe(200);
    client.agent.configure({ mesh: mesh.mesh });
    peer.write(get);
    expect((await peer.response()).status).toBe(503);
    app.stop();
  });
});

describe("signals", () => {
  test("both sides count the request with who called whom", async () => {
    await using mesh = new TestMesh();
    const app = cannedServer(answer("ok"));
    const server = await mesh.server("echo-1", app.port);
    const client = await mesh.client([server.endpoint]);
    const peer = await RawClient.connect(client.port);
    peer.write(get);
    await peer.response();
    const outbound = client.agent.telemetry?.take()?.edges[0];
    expect(outbound).toMatchObject({
      sourceWorkload: "default/web",
      sourceIdentity: mesh.authority.identity("web"),
      destinationWorkload: "default/echo-1",
      destinationIdentity: mesh.authority.identity("echo"),
      destinationService: "default/echo",
      destinationPort: 80,
      responseClass: "2xx",
      mtls: true,
      count: 1n,
      responseBytes: 2n,
    });
    const inbound = server.agent.telemetry?.take()?.edges[0];
    expect(inbound).toMatchObject({
      sourceWorkload: "default/web",
      sourceIdentity: mesh.authority.identity("web"),
      destinationWorkload: "default/echo-1",
      destinationService: "default/echo",
      responseClass: "2xx",
      mtls: true,
      count: 1n,
    });
    app.stop();
  });
});
