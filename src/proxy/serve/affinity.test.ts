/** What keeps requests together, over real sockets: sessions, hash keys, source addresses of connections. */
import { describe, expect, test } from "bun:test";
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import {
  BalancingAlgorithm,
  ClusterSchema,
  type Endpoint,
  EndpointSchema,
  Health,
  HttpRoutingSchema,
  Protocol,
  type SessionPersistenceSchema,
  Tunnel,
} from "../../model/index.ts";
import { Http2Client } from "../testing/http2-peer.ts";
import { cannedServer, RawClient, type RawServer, rawServer } from "../testing/raw-peer.ts";
import { TestMesh } from "../testing/test-mesh.ts";

type Session = MessageInitShape<typeof SessionPersistenceSchema>;

const echo = "default/echo:80";
const cookieSession: Session = { carrier: { case: "cookie", value: { name: "sid", path: "/" } } };
const setCookieLine = /^set-cookie: ([^;]+); Path=\/; HttpOnly; SameSite=Lax\r$/m;

function endpoint(name: string, port: number, cluster = echo): Endpoint {
  return create(EndpointSchema, {
    cluster,
    workload: `default/${name}`,
    address: "127.0.0.1",
    port,
    tunnel: Tunnel.NONE,
    weight: 1,
    health: Health.HEALTHY,
  });
}

/** Instances that answer with their own names. */
class Instances {
  readonly #servers: RawServer[] = [];

  start(name: string, cluster = echo): Endpoint {
    const server = cannedServer(`HTTP/1.1 200 OK\r\ncontent-length: ${name.length}\r\n\r\n${name}`);
    this.#servers.push(server);
    return endpoint(name, server.port, cluster);
  }

  /** Speaks first, as a database does. */
  startTcp(name: string): Endpoint {
    const server = rawServer(() => {}, { onOpen: (peer) => peer.socket.write(`${name}\n`) });
    this.#servers.push(server);
    return endpoint(name, server.port);
  }

  [Symbol.dispose](): void {
    for (const server of this.#servers) server.stop();
  }
}

/** Every cluster of the configuration with this in it. */
function clustersWith(
  mesh: TestMesh,
  endpoints: readonly Endpoint[],
  init: MessageInitShape<typeof ClusterSchema>,
) {
  const keys = new Set(endpoints.map((each) => each.cluster));
  return {
    ...mesh.clientConfiguration(endpoints),
    clusters: [...keys].map((key) => {
      const service = /\/(?<name>[^:]+):/.exec(key)?.groups?.["name"] ?? "";
      return create(ClusterSchema, { namespace: "default", service, port: 80, ...init });
    }),
  };
}

async function ask(
  client: RawClient,
  fields = "",
): Promise<{ body: string; cookie: string | undefined; head: string }> {
  client.write(`GET /?user=7 HTTP/1.1\r\nhost: echo\r\n${fields}\r\n`);
  const { body, head } = await client.response();
  return { body, head, cookie: setCookieLine.exec(head)?.[1] };
}

async function bodies(client: RawClient, count: number, fields: (i: number) => string): Promise<Set<string>> {
  const seen = new Set<string>();
  for (let i = 0; i < count; i++) seen.add((await ask(client, fields(i))).body);
  return seen;
}

describe("session persistence", () => {
  test("a client that brings its cookie stays with its endpoint, and is told once", async () => {
    await using mesh = new TestMesh();
    using instances = new Instances();
    const endpoints = ["a", "b", "c", "d"].map((name) => instances.start(name));
    const proxy = await mesh.client(
      endpoints,
      {},
      {
        change: () => clustersWith(mesh, endpoints, { session: cookieSession }),
      },
    );
    const client = await RawClient.connect(proxy.port);
    const first = await ask(client);
    expect(first.cookie).toMatch(/^sid=[0-9a-f]{40}$/);
    for (let i = 0; i < 20; i++) {
      const next = await ask(client, `cookie: other=1; ${first.cookie}\r\n`);
      expect(next).toMatchObject({ body: first.body, cookie: undefined });
    }
    expect((await bodies(client, 40, () => "")).size).toBeGreaterThan(1);
    expect((await bodies(client, 40, () => `cookie: sid=${"0".repeat(40)}\r\n`)).size).toBeGreaterThan(1);
  });

  test("an endpoint that left is followed by another, which the client then stays with", async () => {
    await using mesh = new TestMesh();
    using instances = new Instances();
    const endpoints = ["a", "b", "c", "d"].map((name) => instances.start(name));
    const change = (members: readonly Endpoint[]) => clustersWith(mesh, members, { session: cookieSession });
    const proxy = await mesh.client(endpoints, {}, { change: () => change(endpoints) });
    const client = await RawClient.connect(proxy.port);
    const first = await ask(client);
    proxy.agent.configure(change(endpoints.filter(({ workload }) => workload !== `default/${first.body}`)));
    const second = await ask(client, `cookie: ${first.cookie}\r\n`);
    expect(second.body).not.toBe(first.body);
    expect(second.cookie).toBeDefined();
    const fields = `cookie: ${second.cookie}\r\n`;
    expect(await bodies(client, 20, () => fields)).toEqual(new Set([second.body]));
  });

  test("one that refuses connections does not keep its clients", async () => {
    await using mesh = new TestMesh();
    using instances = new Instances();
    const [a, b] = [instances.start("a"), instances.start("b")];
    const change = (members: readonly Endpoint[]) => clustersWith(mesh, members, { session: cookieSession });
    const proxy = await mesh.client([a], {}, { change: () => change([a]) });
    const client = await RawClient.connect(proxy.port);
    const { cookie } = await ask(client);
    // The same workload at a place where nobody listens.
    proxy.agent.configure(change([{ ...a, port: 1 }, b]));
    expect(await ask(client, `cookie: ${cookie}\r\n`)).toMatchObject({ body: "b" });
  });

  test("with weighted backends the session keeps its backend, by the rule's own session or the clusters'", async () => {
    await using mesh = new TestMesh();
    using instances = new Instances();
    const endpoints = [
      ...["a1", "a2"].map((name) => instances.start(name, "default/a:80")),
      ...["b1", "b2"].map((name) => instances.start(name, "default/b:80")),
    ];
    const http = (session: Session | undefined) =>
      create(HttpRoutingSchema, {
        entries: [{ match: {}, rule: 0 }],
        rules: [
          {
            ...(session && { session }),
            backends: [
              { cluster: "default/a:80", weight: 1 },
              { cluster: "default/b:80", weight: 1 },
            ],
          },
        ],
      });
    for (const [ofRule, ofCluster] of [
      [cookieSession, undefined],
      [undefined, cookieSession],
    ] as const) {
      const change = {
        ...clustersWith(mesh, endpoints, ofCluster === undefined ? {} : { session: ofCluster }),
        outbounds: [mesh.outbound({ http: http(ofRule) })],
      };
      const proxy = await mesh.client(endpoints, {}, { change: () => change });
      const client = await RawClient.connect(proxy.port);
      const first = await ask(client);
      const fields = `cookie: ${first.cookie}\r\n`;
      expect(await bodies(client, 30, () => fields)).toEqual(new Set([first.body]));
      // Its endpoint leaves: another one of the same backend takes over.
      const rest = endpoints.filter(({ workload }) => workload !== `default/${first.body}`);
      proxy.agent.configure({ ...change, endpoints: rest });
      for (let i = 0; i < 10; i++) expect((await ask(client, fields)).body[0]).toBe(first.body[0] ?? "");
    }
  });

  test("a header carries it over HTTP/2", async () => {
    await using mesh = new TestMesh();
    using instances = new Instances();
    const endpoints = ["a", "b", "c", "d"].map((name) => instances.start(name));
    const session: Session = { carrier: { case: "header", value: "X-Session" } };
    const proxy = await mesh.client(
      endpoints,
      { protocol: Protocol.HTTP },
      {
        change: () => clustersWith(mesh, endpoints, { session, protocol: Protocol.HTTP }),
      },
    );
    const client = await Http2Client.connect(proxy.port);
    const first = await client.get("/").ended();
    const token = first.head?.get("x-session") ?? "";
    expect(token).toMatch(/^[0-9a-f]{40}$/);
    for (let i = 0; i < 20; i++) {
      const next = await client.get("/", [["x-session", token]]).ended();
      expect(next.body).toBe(first.body);
      expect(next.head?.get("x-session")).toBeUndefined();
    }
    client.close();
  });
});

describe("hash keys", () => {
  test("the first key that the request has chooses; without any of them chance does", async () => {
    await using mesh = new TestMesh();
    using instances = new Instances();
    const endpoints = ["a", "b", "c", "d"].map((name) => instances.start(name));
    const proxyFor = async (
      hashKeys: NonNullable<MessageInitShape<typeof ClusterSchema>["balancing"]>["hashKeys"],
    ) => {
      const balancing = { algorithm: BalancingAlgorithm.MAGLEV, ...(hashKeys && { hashKeys }) };
      const { port } = await mesh.client(
        endpoints,
        {},
        {
          change: () => clustersWith(mesh, endpoints, { balancing }),
        },
      );
      return RawClient.connect(port);
    };
    const byHeader = await proxyFor([{ key: { case: "header", value: "x-user" } }]);
    expect((await bodies(byHeader, 20, () => "x-user: 7\r\n")).size).toBe(1);
    expect((await bodies(byHeader, 40, (i) => `x-user: ${i}\r\n`)).size).toBe(4);
    expect((await bodies(byHeader, 40, () => "")).size).toBe(4);
    const byCookie = await proxyFor([
      { key: { case: "cookie", value: { name: "user" } } },
      { key: { case: "queryParameter", value: "user" } },
    ]);
    expect((await bodies(byCookie, 20, (i) => `x-user: ${i}\r\n`)).size).toBe(1);
    expect((await bodies(byCookie, 40, (i) => `cookie: user=${i}\r\n`)).size).toBe(4);
    for (const key of ["sourceAddress", "sourceIdentity"] as const) {
      const bySource = await proxyFor([{ key: { case: key, value: true } }]);
      expect((await bodies(bySource, 20, (i) => `x-user: ${i}\r\n`)).size).toBe(1);
    }
  });

  test("a cookie that is missing is made, and keeps its client where it was", async () => {
    await using mesh = new TestMesh();
    using instances = new Instances();
    const endpoints = ["a", "b", "c", "d"].map((name) => instances.start(name));
    const balancing = {
      algorithm: BalancingAlgorithm.RING_HASH,
      hashKeys: [{ key: { case: "cookie" as const, value: { name: "weft", maxAgeSeconds: 60 } } }],
    };
    const proxy = await mesh.client(
      endpoints,
      {},
      {
        change: () => clustersWith(mesh, endpoints, { balancing }),
      },
    );
    const client = await RawClient.connect(proxy.port);
    const first = await ask(client);
    const made = /^set-cookie: (weft=[0-9a-f]{32}); Path=\/; Max-Age=60; HttpOnly; SameSite=Lax\r$/m.exec(
      first.head,
    )?.[1];
    expect(made).toBeDefined();
    for (let i = 0; i < 20; i++) {
      const next = await ask(client, `cookie: ${made}\r\n`);
      expect(next.body).toBe(first.body);
      expect(next.head).not.toContain("set-cookie");
    }
  });

  test("connections are balanced by the same algorithms: all of one source go to one endpoint", async () => {
    await using mesh = new TestMesh();
    using instances = new Instances();
    const endpoints = ["a", "b", "c", "d"].map((name) => instances.startTcp(name));
    const connected = async (keys: boolean, algorithm: BalancingAlgorithm): Promise<Map<string, number>> => {
      const hashKeys = keys ? [{ key: { case: "sourceAddress" as const, value: true } }] : [];
      const configuration = clustersWith(mesh, endpoints, {
        balancing: { algorithm, hashKeys },
        protocol: Protocol.TCP,
      });
      const { port } = await mesh.client(
        endpoints,
        {},
        {
          change: () => ({ ...configuration, outbounds: [mesh.outbound({ protocol: Protocol.TCP })] }),
        },
      );
      const counts = new Map<string, number>();
      for (let i = 0; i < 12; i++) {
        const client = await RawClient.connect(port);
        const name = (await client.until("\n")).trim();
        counts.set(name, (counts.get(name) ?? 0) + 1);
        client.close();
      }
      return counts;
    };
    expect((await connected(true, BalancingAlgorithm.MAGLEV)).size).toBe(1);
    expect([...(await connected(false, BalancingAlgorithm.ROUND_ROBIN)).values()]).toEqual([3, 3, 3, 3]);
  });
});
