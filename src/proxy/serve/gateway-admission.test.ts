/** Policies at a gateway: of its listeners and its rules, for requests and raw connections, and what backends are told. */
import { afterEach, describe, expect, test } from "bun:test";
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import {
  type Admission,
  AdmissionSchema,
  GatewaySchema,
  type HttpRuleSchema,
  Protocol,
} from "../../model/index.ts";
import {
  authentication,
  encode,
  goodClaims,
  jwksOf,
  location,
  provider,
  signingKey,
  tokenOf,
} from "../admission/jwt/testing/issuer.ts";
import { admissionOf, guardedServer } from "../testing/admission-scene.ts";
import { freePort } from "../testing/eventually.ts";
import { type RawServer, RawClient, rawServer } from "../testing/raw-peer.ts";
import { TestMesh } from "../testing/test-mesh.ts";

const hello = "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello";
const noDeletes = admissionOf([
  { name: "no-deletes", action: "deny", rules: [{ to: [{ methods: ["DELETE", "OPTIONS"] }] }] },
]);
const noPosts = admissionOf([{ name: "no-posts", action: "deny", rules: [{ to: [{ methods: ["POST"] }] }] }]);

const apps: RawServer[] = [];
afterEach(() => {
  for (const app of apps.splice(0)) app.stop();
});

async function scene(
  mesh: TestMesh,
  options: {
    readonly listener?: Admission;
    readonly rule?: MessageInitShape<typeof HttpRuleSchema>;
    readonly protocol?: Protocol;
    readonly server?: Admission;
  },
) {
  const seen: string[] = [];
  const app = rawServer((peer) => {
    seen.push(peer.received);
    peer.received = "";
    peer.socket.write(hello);
  });
  apps.push(app);
  const server = await guardedServer(mesh, app.port, {
    ...(options.server && { admission: options.server }),
    gatewayIdentities: [mesh.authority.identity("edge")],
  });
  const port = freePort();
  const { protocol = Protocol.HTTP } = options;
  const backends = [{ cluster: "default/echo:80", weight: 1 }];
  const gateway = (listener: Admission | undefined) =>
    create(GatewaySchema, {
      source: { kind: "Gateway", namespace: "default", name: "edge" },
      admissions: listener === undefined ? [] : [listener],
      listeners: [
        {
          name: "web",
          port,
          protocol,
          admission: listener === undefined ? 0 : 1,
          ...(protocol === Protocol.HTTP
            ? {
                virtualHosts: [
                  {
                    hostname: "*",
                    http: {
                      entries: [{ match: { path: { case: "pathPrefix", value: "/known" } }, rule: 0 }],
                      rules: [{ backends, ...options.rule }],
                    },
                  },
                ],
              }
            : { connections: { entries: [{ hostnames: [], rule: 0 }], rules: [{ backends }] } }),
        },
      ],
    });
  const configuration = (listener: Admission | undefined) => ({
    ...mesh.clientConfiguration([server.endpoint]),
    gateways: [gateway(listener)],
  });
  const agent = mesh.agent("edge", configuration(options.listener));
  await mesh.run(
    { ...mesh.bootstrap("edge", "edge"), role: "gateway", gateway: { kind: "tcp", address: "127.0.0.1" } },
    agent,
  );
  return {
    peer: await RawClient.connect(port),
    seen,
    app,
    agent,
    ask: (listener: Admission | undefined) => agent.configure(configuration(listener)),
  };
}

async function status(peer: RawClient, line: string, fields = ""): Promise<number> {
  peer.write(`${line} HTTP/1.1\r\nhost: a.example\r\n${fields}\r\n`);
  return (await peer.response()).status;
}

describe("a listener's policies", () => {
  test("are asked about its requests before a route answers, also where there is none", async () => {
    await using mesh = new TestMesh();
    const { peer, seen, agent } = await scene(mesh, { listener: noDeletes });
    expect(await status(peer, "DELETE /known")).toBe(403);
    expect(await status(peer, "DELETE /unknown")).toBe(403);
    expect(await status(peer, "GET /unknown")).toBe(404);
    expect(await status(peer, "GET /known")).toBe(200);
    expect(seen).toHaveLength(1);
    expect(agent.telemetry?.take()?.refusals[0]).toMatchObject({
      policy: "AuthorizationPolicy default/no-deletes",
      destination: "default/edge",
    });
  });

  test("are asked before a redirect, and with a rule's behind them", async () => {
    await using mesh = new TestMesh();
    const rule = { admission: noPosts, redirect: { status: 301, hostname: "b.example" } };
    const { peer } = await scene(mesh, { listener: noDeletes, rule });
    expect(await status(peer, "DELETE /known")).toBe(403);
    expect(await status(peer, "POST /known", "content-length: 0\r\n")).toBe(403);
    expect(await status(peer, "GET /known")).toBe(301);
  });

  test("tell nobody whom they refuse where the redirect leads", async () => {
    await using mesh = new TestMesh();
    const { peer } = await scene(mesh, {
      listener: noDeletes,
      rule: { redirect: { status: 301, hostname: "b.example" } },
    });
    peer.write("DELETE /known HTTP/1.1\r\nhost: a.example\r\n\r\n");
    expect((await peer.response()).head).not.toContain("b.example");
    peer.write("GET /known HTTP/1.1\r\nhost: a.example\r\n\r\n");
    expect((await peer.response()).head).toContain("location: http://b.example");
  });

  test("have nothing to do with preflights that the gateway answers", async () => {
    await using mesh = new TestMesh();
    const rule = { cors: { allowOrigins: ["https://a.example"], allowMethods: ["DELETE"] } };
    const { peer, seen } = await scene(mesh, { listener: noDeletes, rule });
    const asks = "origin: https://a.example\r\naccess-control-request-method: DELETE\r\n";
    expect(await status(peer, "OPTIONS /known", asks)).toBe(204);
    // Without what makes it a preflight it is a request like any other.
    expect(await status(peer, "OPTIONS /known", "origin: https://a.example\r\n")).toBe(403);
    expect(seen).toHaveLength(0);
  });

  test("of the newest configuration are asked about the next request of a connection that is open", async () => {
    await using mesh = new TestMesh();
    const { peer, ask } = await scene(mesh, { listener: noDeletes, rule: { admission: noPosts } });
    const statuses = async (): Promise<number[]> => [
      await status(peer, "DELETE /known"),
      await status(peer, "POST /known", "content-length: 0\r\n"),
      await status(peer, "GET /known"),
    ];
    expect(await statuses()).toEqual([403, 403, 200]);
    ask(noPosts);
    expect(await statuses()).toEqual([200, 403, 200]);
    ask(undefined);
    expect(await statuses()).toEqual([200, 403, 200]);
    ask(noDeletes);
    expect(await statuses()).toEqual([403, 403, 200]);
  });

  test("hold for raw connections", async () => {
    await using mesh = new TestMesh();
    const listener = admissionOf([
      { name: "d", action: "deny", rules: [{ from: [{ ipBlocks: ["127.0.0.0/8"] }] }] },
    ]);
    const { peer, app } = await scene(mesh, { listener, protocol: Protocol.TCP });
    peer.write("ping");
    expect(await peer.toEnd()).toBe("");
    expect(app.connections).toHaveLength(0);
  });

  test("cut off raw connections that they no longer allow", async () => {
    await using mesh = new TestMesh();
    const { peer, ask } = await scene(mesh, { protocol: Protocol.TCP });
    peer.write("ping");
    await peer.until("hello");
    ask(admissionOf([{ name: "d", action: "deny", rules: [{ from: [{ ipBlocks: ["127.0.0.0/8"] }] }] }]));
    expect(await peer.toEnd()).toBe("");
  });
});

describe("tokens that the listener and its rule ask for", () => {
  const key = signingKey();
  const jwks = jwksOf(key);
  const cookie = (name: string) => location({ case: "cookie", value: name });
  const asking = (...providers: Parameters<typeof provider>[1][]): Admission =>
    create(AdmissionSchema, { jwt: authentication(providers.map((more) => provider(jwks, more))) });
  const token = (more: object = {}): string =>
    tokenOf(key, goodClaims({ exp: Math.floor(Date.now() / 1000) + 300, ...more }));

  test("may be one: the rule reads it as it came, and the backend gets none", async () => {
    await using mesh = new TestMesh();
    const { peer, seen } = await scene(mesh, { listener: asking({}), rule: { admission: asking({}) } });
    expect(await status(peer, "GET /known", `authorization: Bearer ${token()}\r\n`)).toBe(200);
    expect(seen.join("")).not.toContain("authorization");
    expect(await status(peer, "GET /known")).toBe(401);
    const forged = `${token().slice(0, -8)}${encode("abcdef")}`;
    expect(await status(peer, "GET /known", `authorization: Bearer ${forged}\r\n`)).toBe(401);
    expect(seen).toHaveLength(1);
  });

  test("are taken out one after the other, and nothing comes back", async () => {
    await using mesh = new TestMesh();
    const other = { name: "other", issuer: "https://other.example", locations: [cookie("b")] };
    const { peer, seen } = await scene(mesh, {
      listener: asking({ locations: [cookie("a")] }),
      rule: { admission: asking(other) },
    });
    const both = `cookie: a=${token()}; c=3; b=${token({ iss: "https://other.example" })}\r\n`;
    expect(await status(peer, "GET /known", both)).toBe(200);
    expect(seen.join("")).toContain("\r\ncookie: c=3\r\n");
  });

  test("are missing where one is required and nobody's is taken", async () => {
    await using mesh = new TestMesh();
    const { peer, seen, agent } = await scene(mesh, { listener: asking() });
    expect(await status(peer, "GET /known", `authorization: Bearer ${token()}\r\n`)).toBe(401);
    expect(agent.telemetry?.take()?.refusals[0]?.reason).toBe("jwt_missing");
    expect(seen).toHaveLength(0);
  });
});

describe("the client's address", () => {
  const denied = admissionOf([
    { name: "d", action: "deny", rules: [{ from: [{ remoteIpBlocks: ["127.0.0.1/32"] }] }] },
  ]);

  test("is what the gateway says, whatever the client has said before it", async () => {
    await using mesh = new TestMesh();
    const { peer } = await scene(mesh, { server: denied });
    expect(await status(peer, "GET /known", "x-forwarded-for: 9.9.9.9\r\n")).toBe(403);
  });

  test("is what the trusted hop in front of the gateway says, at gateway and workload", async () => {
    const from = (block: string): Admission =>
      admissionOf([{ name: "d", action: "deny", rules: [{ from: [{ remoteIpBlocks: [block] }] }] }]);
    for (const place of ["listener", "server"] as const) {
      await using mesh = new TestMesh();
      mesh.mesh.trustedHops = 1;
      const { peer } = await scene(mesh, { [place]: from("9.9.9.9/32") });
      expect(await status(peer, "GET /known", "x-forwarded-for: 1.1.1.1, 9.9.9.9\r\n")).toBe(403);
      expect(await status(peer, "GET /known", "x-forwarded-for: 9.9.9.9, 1.1.1.1\r\n")).toBe(200);
      expect(await status(peer, "GET /known")).toBe(200);
    }
  });

  test("is the peer's own where it is no gateway of the mesh", async () => {
    await using mesh = new TestMesh();
    const app = rawServer((peer) => peer.socket.write(hello));
    apps.push(app);
    const forged = admissionOf([
      { name: "d", action: "deny", rules: [{ from: [{ notRemoteIpBlocks: ["127.0.0.1/32"] }] }] },
    ]);
    const server = await guardedServer(mesh, app.port, { admission: forged });
    const client = await mesh.client([server.endpoint]);
    const peer = await RawClient.connect(client.port);
    expect(await status(peer, "GET /", "x-forwarded-for: 9.9.9.9\r\n")).toBe(200);
  });
});
