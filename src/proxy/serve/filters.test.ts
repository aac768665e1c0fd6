/** Filters of routes on real sockets: redirects, rewrites and CORS, in sidecars and gateways, over both versions of HTTP. */
import { describe, expect, test } from "bun:test";
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import {
  EndpointSchema,
  GatewaySchema,
  HttpRoutingSchema,
  type HttpRuleSchema,
  Protocol,
  Tunnel,
} from "../../model/index.ts";
import { freePort, scrape } from "../testing/eventually.ts";
import { Http2Client, Http2Server, requestLine } from "../testing/http2-peer.ts";
import { RawClient, type RawServer, rawServer } from "../testing/raw-peer.ts";
import { TestMesh } from "../testing/test-mesh.ts";

type Rule = MessageInitShape<typeof HttpRuleSchema>;

const shop = "https://shop.example.com";
const backends = [{ cluster: "default/echo:80", weight: 1 }];
const source = { kind: "HTTPRoute", namespace: "default", name: "filtered", section: "rules[0]" };

function routing(rule: Rule) {
  const match = { path: { case: "pathPrefix" as const, value: "/old" } };
  return create(HttpRoutingSchema, { entries: [{ match, rule: 0 }], rules: [rule] });
}

interface Place {
  /** Of the client's listener. */
  readonly port: number;
  /** What a location says where the redirect names no port. */
  readonly shownPort: string;
  readonly metrics: () => Promise<string>;
}

/** The same rule at a sidecar, whose service has port 80, and at a gateway. */
const places = {
  sidecar: async (mesh: TestMesh, rule: Rule, app: RawServer): Promise<Place> => {
    const server = await mesh.server("echo-1", app.port);
    const client = await mesh.client([server.endpoint], { http: routing(rule) });
    return { port: client.port, shownPort: "", metrics: () => scrape(client.proxy) };
  },
  gateway: async (mesh: TestMesh, rule: Rule, app: RawServer): Promise<Place> => {
    const server = await mesh.server("echo-1", app.port);
    const port = freePort();
    const listener = { name: "http", port, protocol: Protocol.HTTP, hostname: "*" };
    const agent = mesh.agent("edge", {
      ...mesh.clientConfiguration([server.endpoint]),
      gateways: [
        create(GatewaySchema, {
          source: { kind: "Gateway", namespace: "default", name: "edge" },
          listeners: [{ ...listener, virtualHosts: [{ hostname: "*", http: routing(rule) }] }],
        }),
      ],
    });
    const proxy = await mesh.run(
      {
        ...mesh.bootstrap("edge", "edge"),
        role: "gateway",
        gateway: { kind: "tcp", address: "127.0.0.1" },
      },
      agent,
    );
    return { port, shownPort: `:${port}`, metrics: () => scrape(proxy) };
  },
} as const;

/** Remembers the heads that it got, and answers with CORS fields of its own, as applications do. */
function application(): RawServer & { readonly heads: string[] } {
  const heads: string[] = [];
  const server = rawServer((peer) => {
    if (!peer.received.includes("\r\n\r\n")) return;
    heads.push(peer.received);
    peer.received = "";
    peer.socket.write(
      "HTTP/1.1 200 OK\r\naccess-control-allow-origin: *\r\nvary: accept\r\ncontent-length: 2\r\n\r\nok",
    );
  });
  return { ...server, heads };
}

describe.each(["sidecar", "gateway"] as const)("at a %s", (where) => {
  test.each([301, 302, 303, 307, 308])("a redirect is answered with %d and its location", async (status) => {
    await using mesh = new TestMesh();
    const app = application();
    const rule: Rule = {
      source,
      redirect: { status, path: { kind: { case: "prefix", value: "/new" } } },
    };
    const place = await places[where](mesh, rule, app);
    const peer = await RawClient.connect(place.port);
    // Two on one connection: an answer of the proxy's own leaves it usable, behind a body too.
    for (const request of [
      "GET /old/a?b=c HTTP/1.1\r\nhost: echo:1\r\nx-forwarded-proto: https\r\n\r\n",
      "POST /old/a?b=c HTTP/1.1\r\nhost: echo\r\ncontent-length: 3\r\n\r\nabc",
    ]) {
      peer.write(request);
      const response = await peer.response();
      expect(response.status).toBe(status);
      expect(response.head).toContain(`\r\nlocation: http://echo${place.shownPort}/new/a?b=c\r\n`);
      expect(response.head).toContain("\r\ncontent-length: 0\r\n");
      expect(response.head).toContain("\r\nx-request-id: ");
    }
    expect(app.heads).toEqual([]);
    const metrics = await place.metrics();
    for (const method of ["GET", "POST"]) {
      const labels = `http_request_method="${method}",http_response_status_code="${status}"`;
      expect(metrics).toMatch(
        new RegExp(`_seconds_count\\{[^\\n]*http_route="default/filtered"[^\\n]*${labels}\\} 1\\n`),
      );
    }
    app.stop();
  });

  test("a redirect over HTTP/2, and to a call of gRPC, which knows none", async () => {
    await using mesh = new TestMesh();
    const app = application();
    const place = await places[where](mesh, { source, redirect: { scheme: "https", status: 308 } }, app);
    const client = await Http2Client.connect(place.port);
    const plain = await client.get("/old/a?b").ended();
    expect(plain.status).toBe(308);
    expect(plain.head?.get("location")).toBe("https://echo/old/a?b");
    const call = await client.post("/old/a", "", [["content-type", "application/grpc"]]).ended();
    expect(call.status).toBe(200);
    expect(call.head?.get("grpc-status")).toBe("2");
    client.close();
    app.stop();
  });

  test("path and host are rewritten over both versions of HTTP, the query stays", async () => {
    await using mesh = new TestMesh();
    const app = application();
    const rule: Rule = {
      source,
      rewrite: { hostname: "new.example.com", path: { kind: { case: "prefix", value: "/new" } } },
      backends,
    };
    const place = await places[where](mesh, rule, app);
    const peer = await RawClient.connect(place.port);
    peer.write("GET /old/a?b=/old HTTP/1.1\r\nx-a: 1\r\nHost: echo\r\n\r\n");
    expect((await peer.response()).body).toBe("ok");
    peer.write("GET http://echo/old HTTP/1.1\r\nHost: echo\r\n\r\n");
    expect((await peer.response()).body).toBe("ok");
    const client = await Http2Client.connect(place.port);
    expect((await client.get("/old/a?b=/old").ended()).body).toBe("ok");
    client.close();
    expect(app.heads.map((head) => head.split("\r\n")[0])).toEqual([
      "GET /new/a?b=/old HTTP/1.1",
      "GET /new HTTP/1.1",
      "GET /new/a?b=/old HTTP/1.1",
    ]);
    for (const head of app.heads) {
      expect(head.toLowerCase().match(/\r\nhost: [^\r]*/g)).toEqual(["\r\nhost: new.example.com"]);
    }
    expect(app.heads[0]).toContain("x-a: 1\r\n");
    app.stop();
  });

  test("a preflight is answered here, and the application's answers say what the policy says", async () => {
    await using mesh = new TestMesh();
    const app = application();
    const rule: Rule = {
      source,
      cors: { allowOrigins: [shop], allowMethods: ["PUT"], maxAgeSeconds: 60 },
      backends,
    };
    const place = await places[where](mesh, rule, app);
    const peer = await RawClient.connect(place.port);
    const preflight = (origin: string): string =>
      `OPTIONS /old HTTP/1.1\r\nhost: echo\r\norigin: ${origin}\r\naccess-control-request-method: PUT\r\n\r\n`;
    peer.write(preflight(shop));
    const allowed = await peer.until("\r\n\r\n");
    expect(allowed).toStartWith("HTTP/1.1 204 ");
    expect(allowed).toContain(`access-control-allow-origin: ${shop}\r\n`);
    expect(allowed).toContain("access-control-allow-methods: PUT\r\n");
    expect(allowed).not.toContain("content-length");
    peer.write(preflight("https://evil.org"));
    const denied = await peer.response();
    expect(denied.status).toBe(403);
    expect(denied.head).not.toContain("access-control");
    expect(app.heads).toEqual([]);

    peer.write(`GET /old HTTP/1.1\r\nhost: echo\r\norigin: ${shop}\r\n\r\n`);
    const own = await peer.response();
    expect(own.head.match(/access-control-allow-origin: [^\r]*/g)).toEqual([
      `access-control-allow-origin: ${shop}`,
    ]);
    expect(own.head).toContain("vary: accept\r\n");
    expect(own.head).toContain("vary: Origin\r\n");
    peer.write("GET /old HTTP/1.1\r\nhost: echo\r\norigin: https://evil.org\r\n\r\n");
    expect((await peer.response()).head).not.toContain("access-control");

    const client = await Http2Client.connect(place.port);
    const fields = [...requestLine("OPTIONS", "/old"), ["origin", shop] as const];
    const second = await client.send([...fields, ["access-control-request-method", "PUT"]]).ended();
    expect(second.status).toBe(204);
    expect(second.head?.get("access-control-max-age")).toBe("60");
    const actual = await client.get("/old", [["origin", shop]]).ended();
    expect(actual.status).toBe(200);
    expect(actual.head?.get("access-control-allow-origin")).toBe(shop);
    client.close();
    app.stop();
  });
});

test("a rewrite holds where the version changes on the way to an endpoint itself", async () => {
  await using mesh = new TestMesh();
  const app = application();
  const second = new Http2Server((request) => request.answer([[":status", "200"]], "ok"));
  const rule: Rule = {
    source,
    rewrite: { hostname: "new.example.com", path: { kind: { case: "full", value: "/new" } } },
    backends,
  };
  const to = async (port: number, protocol: Protocol): Promise<number> => {
    const endpoint = create(EndpointSchema, {
      cluster: "default/echo:80",
      workload: `default/direct-${port}`,
      address: "127.0.0.1",
      port,
      tunnel: Tunnel.NONE,
      weight: 1,
    });
    const client = await mesh.client(
      [endpoint],
      { http: routing(rule) },
      {
        change: (configuration) => ({
          ...configuration,
          clusters: configuration.clusters?.map((cluster) => ({ ...cluster, protocol })) ?? [],
        }),
      },
    );
    return client.port;
  };
  const client = await Http2Client.connect(await to(app.port, Protocol.HTTP));
  expect((await client.get("/old/a?b").ended()).body).toBe("ok");
  expect(app.heads[0]).toStartWith("GET /new?b HTTP/1.1\r\nhost: new.example.com\r\n");
  client.close();
  const peer = await RawClient.connect(await to(second.port, Protocol.HTTP2));
  peer.write("GET /old/a?b HTTP/1.1\r\nhost: echo\r\n\r\n");
  expect(await peer.until("\r\n\r\n")).toContain("200");
  const { fields } = second.requests[0] ?? {};
  expect([fields?.get(":path"), fields?.get(":authority"), fields?.get("host")]).toEqual([
    "/new?b",
    "new.example.com",
    undefined,
  ]);
  app.stop();
  second.stop();
});

test("a script may read a refusal where it may read an answer", async () => {
  await using mesh = new TestMesh();
  const cors = { allowOrigins: [shop] };
  const empty: Rule = { source, cors, backends: [{ cluster: "default/empty:80", weight: 1 }] };
  const client = await mesh.client([], { http: routing(empty) });
  const peer = await RawClient.connect(client.port);
  peer.write(`GET /old HTTP/1.1\r\nhost: echo\r\norigin: ${shop}\r\n\r\n`);
  const refused = await peer.response();
  expect(refused.status).toBe(503);
  expect(refused.head).toContain(`access-control-allow-origin: ${shop}\r\n`);
  peer.write("GET /old HTTP/1.1\r\nhost: echo\r\norigin: https://evil.org\r\n\r\n");
  expect((await peer.response()).head).not.toContain("access-control");
});

test("a failed call of gRPC-Web may be read by the script that made it", async () => {
  await using mesh = new TestMesh();
  const app = application();
  const empty: Rule = {
    source,
    cors: { allowOrigins: [shop], exposeHeaders: ["grpc-status"] },
    backends: [{ cluster: "default/empty:80", weight: 1 }],
  };
  const place = await places.gateway(mesh, empty, app);
  const peer = await RawClient.connect(place.port);
  peer.write(
    `POST /old/call HTTP/1.1\r\nhost: echo\r\norigin: ${shop}\r\ncontent-type: application/grpc-web\r\ncontent-length: 0\r\n\r\n`,
  );
  const { head } = await peer.response();
  expect(head).toContain("grpc-status: 14\r\n");
  expect(head).toContain(`access-control-allow-origin: ${shop}\r\n`);
  expect(head).toContain("access-control-expose-headers: grpc-status\r\n");
  app.stop();
});

test("a redirect that can name no host is refused", async () => {
  await using mesh = new TestMesh();
  const client = await mesh.client([], { http: routing({ source, redirect: { status: 302 } }) });
  const peer = await RawClient.connect(client.port);
  peer.write("GET /old HTTP/1.0\r\n\r\n");
  expect((await peer.response()).status).toBe(400);
});
