/** Policies at a workload's port, through two sidecars: who gets in, who is told what, and what is kept of a refusal. */
import { describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { Protocol } from "../../model/index.ts";
import { admissionOf, guardedServer } from "../testing/admission-scene.ts";
import { eventually, scrape } from "../testing/eventually.ts";
import { Http2Client, Http2Server } from "../testing/http2-peer.ts";
import { cannedServer, RawClient, rawServer } from "../testing/raw-peer.ts";
import { TestMesh } from "../testing/test-mesh.ts";

const hello = "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello";
const get = (path: string): string => `GET ${path} HTTP/1.1\r\nhost: echo\r\n\r\n`;

const web = { from: [{ identities: ["ns/default/sa/web"] }] };
const others = { from: [{ identities: ["ns/default/sa/other"] }] };
const noAdmin = { name: "no-admin", action: "deny" as const, rules: [{ to: [{ paths: ["/admin*"] }] }] };
const onlyWeb = { name: "only-web", action: "allow" as const, rules: [web] };
const onlyOthers = { name: "only-others", action: "allow" as const, rules: [others] };

describe("a request that a policy denies", () => {
  test("is answered with its class and id, and never seen by the application", async () => {
    await using mesh = new TestMesh();
    const app = cannedServer(hello);
    const server = await guardedServer(mesh, app.port, { admission: admissionOf([noAdmin]) });
    const client = await mesh.client([server.endpoint]);
    const peer = await RawClient.connect(client.port);
    peer.write(get("/"));
    expect((await peer.response()).status).toBe(200);
    for (const path of ["/admin", "/x/../admin", "//admin", "/%61dmin"]) {
      peer.write(get(path));
      const answer = await peer.response();
      expect(answer.status).toBe(403);
      expect(answer.body).toMatch(/^client error, request [\w-]+\n$/);
      expect(`${answer.head}${answer.body}`).not.toContain("no-admin");
    }
    expect(app.connections).toHaveLength(1);
    app.stop();
  });

  test("is final: no other endpoint is asked", async () => {
    await using mesh = new TestMesh();
    const app = cannedServer(hello);
    const server = await guardedServer(mesh, app.port, { admission: admissionOf([onlyOthers]) });
    const client = await mesh.client([server.endpoint, { ...server.endpoint, workload: "default/echo-2" }]);
    const peer = await RawClient.connect(client.port);
    peer.write(get("/"));
    expect((await peer.response()).status).toBe(403);
    expect(await scrape(client.proxy)).toContain("weft_upstream_tries_total 1\n");
    app.stop();
  });

  test("is told the policy's name where the mesh explains itself", async () => {
    await using mesh = new TestMesh();
    const app = cannedServer(hello);
    const admission = admissionOf([noAdmin]);
    const server = await guardedServer(mesh, app.port, { admission, explainsDenials: true });
    const client = await mesh.client([server.endpoint]);
    const peer = await RawClient.connect(client.port);
    peer.write(get("/admin"));
    expect((await peer.response()).body).toMatch(/: AuthorizationPolicy default\/no-admin\n$/);
    app.stop();
  });

  test("is told so in gRPC's way", async () => {
    await using mesh = new TestMesh();
    const app = new Http2Server((request) =>
      request.answer([[":status", "200"]], "", [["grpc-status", "0"]]),
    );
    const admission = admissionOf([
      { name: "no-calls", action: "deny", rules: [{ to: [{ grpcServices: ["svc"] }] }] },
    ]);
    const server = await guardedServer(mesh, app.port, { admission, protocol: Protocol.GRPC });
    const client = await mesh.client([server.endpoint]);
    const peer = await Http2Client.connect(client.port);
    const answer = await peer.post("/svc/Call", "x", [["content-type", "application/grpc"]]).ended();
    expect(answer.head?.get(":status")).toBe("200");
    expect(answer.head?.get("grpc-status")).toBe("7");
    expect(answer.head?.get("grpc-message")).toContain("client error");
    expect(answer.head?.get("weft-denied")).toBeUndefined();
    await eventually(
      async () => (await scrape(client.proxy)).includes('error_type="authorization_denied"'),
      "its own proxy counts it as a denial",
    );
    expect(app.requests).toHaveLength(0);
    peer.close();
    app.stop();
  });

  test("is in the log with its policy where a policy of telemetry alone wants the line", async () => {
    await using mesh = new TestMesh();
    const app = cannedServer(hello);
    const admission = admissionOf([noAdmin, onlyWeb]);
    const server = await guardedServer(mesh, app.port, { admission, isLoggedByPolicy: true });
    const client = await mesh.client([server.endpoint]);
    const peer = await RawClient.connect(client.port);
    peer.write(get("/admin/x"));
    expect((await peer.response()).status).toBe(403);
    const log = (): string => readFileSync(mesh.logFile("echo-1"), "utf8");
    await eventually(() => log().includes('"status":403'), "the log has it");
    expect(log()).toContain('"policy":"AuthorizationPolicy default/no-admin","policy_rule":"rules[0]"');
    app.stop();
  });

  test("is in log, metrics, report and memory with policy, rule and what would help", async () => {
    await using mesh = new TestMesh();
    const app = cannedServer(hello);
    const server = await guardedServer(mesh, app.port, { admission: admissionOf([noAdmin, onlyWeb]) });
    const client = await mesh.client([server.endpoint]);
    const peer = await RawClient.connect(client.port);
    peer.write(get("/admin/x?token=secret"));
    const id = /request ([\w-]+)/.exec((await peer.response()).body)?.[1] ?? "";
    peer.write(get("/"));
    await peer.response();
    const metrics = await scrape(server.proxy);
    const series = (rule: string): string => `weft_policy_decisions_total{${rule}} 1`;
    expect(metrics).toContain(
      series('policy="AuthorizationPolicy default/no-admin",rule="rules[0]",verdict="denied"'),
    );
    expect(metrics).toContain(
      series('policy="AuthorizationPolicy default/only-web",rule="rules[0]",verdict="allowed"'),
    );
    const page = await fetch(`http://127.0.0.1:${server.proxy.bound.admin.port}/refusals/${id}`);
    const refusal: unknown = await page.json();
    expect(refusal).toMatchObject({
      requestId: id,
      reason: "authorization_denied",
      policy: "AuthorizationPolicy default/no-admin",
      rule: "rules[0]",
      sourceIdentity: mesh.authority.identity("web"),
      destination: "default/echo-1",
      method: "GET",
      path: "/admin/x",
    });
    expect(JSON.stringify(refusal)).not.toContain("secret");
    const report = server.agent.telemetry?.take();
    expect(report?.refusals.map((each) => each.requestId)).toEqual([id]);
    expect(report?.refusals[0]?.fix).not.toBe("");
    expect(report?.policies.map(({ verdict, count }) => [verdict, Number(count)])).toEqual([
      ["denied", 1],
      ["allowed", 1],
    ]);
    const log = (): string => readFileSync(mesh.logFile("echo-1"), "utf8");
    await eventually(() => log().includes('"policy_rule":"rules[0]"'), "the log has it");
    expect(log()).toContain(
      '"reason":"authorization_denied","policy":"AuthorizationPolicy default/no-admin"',
    );
    app.stop();
  });

  test("is a denial to the caller's proxy too, which tells the caller nothing of it", async () => {
    await using mesh = new TestMesh();
    // What an application says in its proxy's name is taken off before anybody reads it.
    const app = cannedServer("HTTP/1.1 403 No\r\nweft-denied: rate_limited\r\ncontent-length: 0\r\n\r\n");
    const server = await guardedServer(mesh, app.port, { admission: admissionOf([noAdmin]) });
    const client = await mesh.client([server.endpoint]);
    const peer = await RawClient.connect(client.port);
    for (const path of ["/", "/admin"]) {
      peer.write(get(path));
      const answer = await peer.response();
      expect(answer.status).toBe(403);
      expect(answer.head).not.toContain("weft-denied");
    }
    const lines = (await scrape(client.proxy)).split("\n");
    const reasons = lines.flatMap((line) => {
      if (!line.startsWith("http_client_response_body_size_bytes_count{")) return [];
      return [/error_type="(\w+)"/.exec(line)?.[1] ?? ""];
    });
    expect(reasons.toSorted()).toEqual(["", "authorization_denied"]);
    app.stop();
  });

  test("does not become a WebSocket", async () => {
    await using mesh = new TestMesh();
    const app = cannedServer("HTTP/1.1 101 Switching\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n");
    const server = await guardedServer(mesh, app.port, { admission: admissionOf([noAdmin]) });
    const client = await mesh.client([server.endpoint]);
    const peer = await RawClient.connect(client.port);
    peer.write(
      "GET /admin HTTP/1.1\r\nhost: echo\r\nconnection: upgrade\r\nupgrade: websocket\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\nsec-websocket-version: 13\r\n\r\n",
    );
    expect((await peer.response()).status).toBe(403);
    expect(app.connections).toHaveLength(0);
    app.stop();
  });
});

test("a connection that is open already is under the newest policy with its next request", async () => {
  await using mesh = new TestMesh();
  const app = cannedServer(hello);
  const server = await guardedServer(mesh, app.port, { admission: admissionOf([onlyWeb]) });
  const client = await mesh.client([server.endpoint]);
  const peer = await RawClient.connect(client.port);
  const statuses: number[] = [];
  for (const admission of [admissionOf([onlyOthers]), undefined, admissionOf([noAdmin, onlyOthers])]) {
    peer.write(get("/"));
    statuses.push((await peer.response()).status);
    server.ask(admission);
  }
  peer.write(get("/"));
  statuses.push((await peer.response()).status);
  expect(statuses).toEqual([200, 403, 200, 403]);
  app.stop();
});

describe("a raw connection", () => {
  test.each([
    ["that is denied", { name: "d", action: "deny" as const, rules: [web] }],
    [
      "under an allow that reads requests",
      { name: "a", action: "allow" as const, rules: [{ to: [{ methods: ["GET"] }] }] },
    ],
    [
      "under a deny that reads requests",
      { name: "d", action: "deny" as const, rules: [{ to: [{ paths: ["/x"] }] }] },
    ],
  ])("%s is reset before the application is dialled", async (_, policy) => {
    await using mesh = new TestMesh();
    const app = rawServer((peer) => peer.socket.write("pong"));
    const options = { admission: admissionOf([policy]), protocol: Protocol.TCP };
    const server = await guardedServer(mesh, app.port, options);
    const client = await mesh.client([server.endpoint], { protocol: Protocol.TCP });
    const peer = await RawClient.connect(client.port);
    peer.write("ping");
    expect(await peer.toEnd()).toBe("");
    expect(app.connections).toHaveLength(0);
    const refusal = server.agent.telemetry?.take()?.refusals[0];
    expect(refusal).toMatchObject({ reason: "authorization_denied", protocol: "tcp" });
    app.stop();
  });

  test("that a later policy denies is reset within about a second, others stay", async () => {
    await using mesh = new TestMesh();
    const app = rawServer((peer) => {
      peer.socket.write(peer.received);
      peer.received = "";
    });
    const options = { admission: admissionOf([onlyWeb]), protocol: Protocol.TCP };
    const server = await guardedServer(mesh, app.port, options);
    const client = await mesh.client([server.endpoint], { protocol: Protocol.TCP });
    const peer = await RawClient.connect(client.port);
    peer.write("one");
    await peer.until("one");
    server.ask(admissionOf([onlyWeb, noAdmin].slice(0, 1)));
    peer.write("two");
    await peer.until("two");
    const changedMs = Date.now();
    server.ask(admissionOf([onlyOthers]));
    expect(await peer.toEnd()).toBe("");
    expect(Date.now() - changedMs).toBeLessThan(2_500);
    await eventually(() => peer.isReset, "it is a reset");
    app.stop();
  });
});
