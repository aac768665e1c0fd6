/** A service decides about requests at a workload's door, at a gateway's listener and at a rule: with real proxies and sockets. */
import { describe, expect, test } from "bun:test";
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import {
  type AdmissionSchema,
  AuthorizationAction,
  AuthorizationLevel,
  ClusterSchema,
  type Endpoint,
  EndpointSchema,
  type ExternalAuthorization,
  ExternalAuthorizationProtocol,
  GatewaySchema,
  Health,
  InboundSchema,
  Protocol,
  Tunnel,
} from "../../model/index.ts";
import { type Answer, AuthorizationServer, ok } from "../admission/external/test/authorization-server.ts";
import { eventually, freePort, scrape } from "../testing/eventually.ts";
import { Http2Client } from "../testing/http2-peer.ts";
import { RawClient } from "../testing/raw-peer.ts";
import { TestMesh } from "../testing/test-mesh.ts";
import { App, hello } from "../testing/world.ts";

type ExternalInit = Partial<Omit<ExternalAuthorization, "source" | "$typeName" | "$unknown">>;
const grpc = ExternalAuthorizationProtocol.GRPC;
const source = { kind: "AuthorizationPolicy", namespace: "default", name: "ask" };

function admission(external: ExternalInit): MessageInitShape<typeof AdmissionSchema> {
  const policy = {
    source,
    action: AuthorizationAction.CUSTOM,
    level: AuthorizationLevel.WORKLOAD,
    rules: [{ name: "all" }],
    external: { source, protocol: grpc, cluster: "default/auth:80", timeoutMs: 2_000, ...external },
  };
  return { authorization: { policies: [policy] } };
}

const authCluster = create(ClusterSchema, {
  namespace: "default",
  service: "auth",
  port: 80,
  protocol: Protocol.GRPC,
  connectTimeoutMs: 500,
});

function plainEndpoint(port: number): Endpoint {
  return create(EndpointSchema, {
    cluster: "default/auth:80",
    workload: "default/auth-1",
    address: "127.0.0.1",
    port,
    tunnel: Tunnel.NONE,
    weight: 1,
    health: Health.HEALTHY,
  });
}

/** A client's sidecar, and a server's that asks. */
class Pair implements AsyncDisposable {
  readonly mesh = new TestMesh();
  readonly app: App;
  client = 0;
  scrapeServer: () => Promise<string> = () => Promise.resolve("");

  constructor(app: App) {
    this.app = app;
  }

  static async start(
    auth: Endpoint | ((mesh: TestMesh) => Promise<Endpoint>),
    external: ExternalInit = {},
    app = new App(hello),
  ): Promise<Pair> {
    const pair = new Pair(app);
    const { mesh } = pair;
    const server = await mesh.server("echo-1", app.port);
    server.agent.configure({
      mesh: mesh.mesh,
      addresses: ["127.0.0.1"],
      inbound: create(InboundSchema, {
        workload: "default/echo-1",
        identity: mesh.authority.identity("echo"),
        ports: [{ port: app.port, protocol: Protocol.HTTP, services: ["default/echo"], admission: 1 }],
        admissions: [admission(external)],
      }),
      clusters: [authCluster],
      endpoints: [typeof auth === "function" ? await auth(mesh) : auth],
    });
    pair.scrapeServer = () => scrape(server.proxy);
    pair.client = (await mesh.client([server.endpoint])).port;
    return pair;
  }

  async ask(text: string): Promise<{ status: number; head: string; body: string }> {
    const peer = await RawClient.connect(this.client);
    peer.write(text);
    return await peer.response();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.mesh[Symbol.asyncDispose]();
    this.app.server.stop();
  }
}

const get = "GET /cart HTTP/1.1\r\nhost: echo\r\nx-user: mallory\r\nX-User: root\r\ncookie: a=1\r\n\r\n";
const granting: Answer = {
  ...ok,
  ok_response: {
    headers: [{ header: { key: "x-user", value: "Borà" } }],
    headers_to_remove: ["cookie"],
    response_headers_to_add: [{ header: { key: "set-cookie", value: "seen=1" } }],
    query_parameters_to_remove: ["token"],
  },
};

describe("between two sidecars", () => {
  test("a yes edits the request, and nothing that the client said stays beside it", async () => {
    using auth = await AuthorizationServer.start(granting);
    await using pair = await Pair.start(plainEndpoint(auth.port));
    const { status, head } = await pair.ask(get.replace("/cart", "/cart?token=1&x=1"));
    expect(status).toBe(200);
    expect(head).toContain("set-cookie: seen=1");
    const [request = ""] = pair.app.requests;
    expect(request).toStartWith("GET /cart?x=1 HTTP/1.1\r\n");
    expect(request.match(/^x-user:.*$/gim)).toEqual([`x-user: ${Buffer.from("Borà").toString("latin1")}`]);
    expect(request).not.toContain("cookie");
    const [attributes] = auth.asked;
    expect(attributes?.source.principal).toBe(pair.mesh.authority.identity("web"));
    expect(attributes?.request.http.headers["x-user"]).toBe("mallory, root");
    expect(await pair.scrapeServer()).toContain(
      'weft_admission_calls_total{kind="ext_authz",outcome="ok"} 1',
    );
  });

  test("a no is the client's answer, word for word, and no application is reached", async () => {
    using auth = await AuthorizationServer.start({
      status: { code: 16 },
      denied_response: {
        status: { code: 401 },
        headers: [{ header: { key: "www-authenticate", value: "Bearer" } }],
        body: "who are you?",
      },
    });
    await using pair = await Pair.start(plainEndpoint(auth.port));
    const { status, head, body } = await pair.ask(get);
    expect([status, body]).toEqual([401, "who are you?"]);
    expect(head).toContain("www-authenticate: Bearer");
    expect(head).not.toContain("weft-");
    expect(pair.app.requests).toEqual([]);
    expect(auth.asked.length).toBe(1);
  });

  test("the body goes to both, also where the client waits to be told to send it", async () => {
    using auth = await AuthorizationServer.start(ok);
    await using pair = await Pair.start(plainEndpoint(auth.port), { maxBodyBytes: 100 });
    const peer = await RawClient.connect(pair.client);
    peer.write("POST / HTTP/1.1\r\nhost: echo\r\ncontent-length: 5\r\nexpect: 100-continue\r\n\r\n");
    await peer.until("HTTP/1.1 100 ");
    peer.write("hallo");
    await peer.until("hello");
    expect(auth.asked[0]?.request.http["body"]).toBe("hallo");
    expect(pair.app.requests[0]).toEndWith("\r\n\r\nhallo");
  });

  test("one that is too long is 413, announced or not", async () => {
    using auth = await AuthorizationServer.start(ok);
    await using pair = await Pair.start(plainEndpoint(auth.port), { maxBodyBytes: 4 });
    const post = "POST / HTTP/1.1\r\nhost: echo\r\n";
    expect((await pair.ask(`${post}content-length: 5\r\n\r\nhallo`)).status).toBe(413);
    expect((await pair.ask(`${post}transfer-encoding: chunked\r\n\r\n5\r\nhallo\r\n0\r\n\r\n`)).status).toBe(
      413,
    );
    expect([auth.asked.length, pair.app.requests.length]).toEqual([0, 0]);
  });

  test("a part of a long one is asked about, and all of it arrives", async () => {
    using auth = await AuthorizationServer.start(ok);
    await using pair = await Pair.start(plainEndpoint(auth.port), {
      maxBodyBytes: 4,
      takesPartialBody: true,
    });
    const body = "x".repeat(300_000);
    const text = `POST / HTTP/1.1\r\nhost: echo\r\ncontent-length: ${body.length}\r\n\r\n${body}`;
    expect((await pair.ask(text)).status).toBe(200);
    expect(auth.asked[0]?.request.http["body"]).toBe("xxxx");
    expect(pair.app.requests[0]).toEndWith(body);
  });

  test("no answer refuses, or lets in where the policy says so", async () => {
    const down = plainEndpoint(freePort());
    await using closed = await Pair.start(down, { errorStatus: 503 });
    expect((await closed.ask(get)).status).toBe(503);
    expect(closed.app.requests).toEqual([]);
    await using open = await Pair.start(down, { failsOpen: true });
    expect((await open.ask(get)).status).toBe(200);
    expect(await open.scrapeServer()).toContain('outcome="failed_open"} 1');
    await using unresolved = await Pair.start(down, { failsOpen: true, unresolved: "no such Service" });
    expect((await unresolved.ask(get)).status).toBe(500);
  });

  test("a client that leaves takes its question with it", async () => {
    using auth = await AuthorizationServer.start("silence");
    await using pair = await Pair.start(plainEndpoint(auth.port), { timeoutMs: 20_000 });
    const peer = await RawClient.connect(pair.client);
    peer.write(get);
    await eventually(() => auth.asked.length === 1, "the service is asked");
    peer.terminate();
    await eventually(() => auth.cancelled === 1, "the question is taken back");
    expect(pair.app.requests).toEqual([]);
  });

  test("the service is asked over mutual TLS where it is a workload", async () => {
    using auth = await AuthorizationServer.start(granting);
    await using pair = await Pair.start(async (mesh) => {
      const sidecar = await mesh.server("auth-1", auth.port, Protocol.GRPC);
      return { ...sidecar.endpoint, cluster: "default/auth:80" };
    });
    expect((await pair.ask(get)).status).toBe(200);
    expect(auth.asked.length).toBe(1);
    expect(pair.app.requests.length).toBe(1);
  });
});

describe("at a gateway", () => {
  async function gateway(
    auth: Endpoint,
    place: "listener" | "rule",
    external: ExternalInit = {},
  ): Promise<AsyncDisposable & { port: number; app: App }> {
    const mesh = new TestMesh();
    const app = new App(hello);
    const server = await mesh.server("echo-1", app.port);
    const port = freePort();
    const rule = {
      backends: [{ cluster: "default/echo:80", weight: 1 }],
      ...(place === "rule" && { admission: admission(external) }),
    };
    const virtualHosts = [{ hostname: "*", http: { entries: [{ match: {}, rule: 0 }], rules: [rule] } }];
    const listener = { name: "http", port, protocol: Protocol.HTTP, virtualHosts };
    const configuration = mesh.clientConfiguration([server.endpoint]);
    const agent = mesh.agent("edge", {
      ...configuration,
      clusters: [...(configuration.clusters ?? []), authCluster],
      endpoints: [server.endpoint, auth],
      gateways: [
        create(GatewaySchema, {
          source: { kind: "Gateway", namespace: "default", name: "edge" },
          listeners: [{ ...listener, admission: place === "listener" ? 1 : 0 }],
          admissions: place === "listener" ? [admission(external)] : [],
        }),
      ],
    });
    const bootstrap = mesh.bootstrap("edge", "edge");
    await mesh.run({ ...bootstrap, role: "gateway", gateway: { kind: "tcp", address: "127.0.0.1" } }, agent);
    return {
      port,
      app,
      async [Symbol.asyncDispose]() {
        await mesh[Symbol.asyncDispose]();
        app.server.stop();
      },
    };
  }

  test.each(["listener", "rule"] as const)("the %s's service decides", async (place) => {
    using auth = await AuthorizationServer.start(({ request }) =>
      request.http["path"] === "/no" ? { status: { code: 7 } } : granting,
    );
    await using edge = await gateway(plainEndpoint(auth.port), place);
    const peer = await RawClient.connect(edge.port);
    peer.write(get);
    expect((await peer.response()).status).toBe(200);
    expect(edge.app.requests[0]?.match(/^x-user:/gim)?.length).toBe(1);
    peer.write(get.replace("/cart", "/no"));
    expect((await peer.response()).status).toBe(403);
    expect(edge.app.requests.length).toBe(1);
  });

  test("a gRPC program is told in gRPC's codes", async () => {
    const denied = (code: number): Answer => ({
      status: { code: 7 },
      denied_response: { status: { code }, body: "no" },
    });
    using auth = await AuthorizationServer.start(({ request }) =>
      denied(Number(String(request.http["path"]).slice(1))),
    );
    await using edge = await gateway(plainEndpoint(auth.port), "listener");
    const client = await Http2Client.connect(edge.port);
    const told = async (status: number): Promise<string | undefined> => {
      const message = await client.post(`/${status}`, "", [["content-type", "application/grpc"]]).ended();
      return message.head?.get("grpc-status");
    };
    expect(await told(401)).toBe("16");
    expect(await told(403)).toBe("7");
    expect(await told(302)).toBe("7");
    expect(await told(200)).toBe("7");
    expect(await told(503)).toBe("14");
    client.close();
  });
});
