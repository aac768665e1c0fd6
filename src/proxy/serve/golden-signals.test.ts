/** One exchange as both proxies count it, on the pages that are scraped and in what the control plane is told. */
import { expect, test } from "bun:test";
import { existsSync } from "node:fs";
import { create } from "@bufbuild/protobuf";
import { HttpRoutingSchema, HttpRuleSchema, Protocol } from "../../model/index.ts";
import { eventually, scrape } from "../testing/eventually.ts";
import { Http2Client, Http2Server } from "../testing/http2-peer.ts";
import { cannedServer, RawClient, rawServer } from "../testing/raw-peer.ts";
import { TestMesh } from "../testing/test-mesh.ts";
import { sampleOf } from "../telemetry/testing.ts";

const promtool = "/usr/bin/promtool";

test("a request is counted at both ends, by method, status, identity and route", async () => {
  await using mesh = new TestMesh();
  const app = cannedServer("HTTP/1.1 201 Created\r\ncontent-length: 5\r\n\r\nhello");
  const server = await mesh.server("echo-1", app.port);
  const source = { kind: "HTTPRoute", namespace: "default", name: "split", section: "canary" };
  const rule = create(HttpRuleSchema, { source, backends: [{ cluster: "default/echo:80", weight: 1 }] });
  const http = create(HttpRoutingSchema, { entries: [{ match: {}, rule: 0 }], rules: [rule] });
  const client = await mesh.client([server.endpoint], { http });
  const peer = await RawClient.connect(client.port);
  peer.write("PUT / HTTP/1.1\r\nhost: echo\r\ncontent-length: 3\r\n\r\nabc");
  expect((await peer.response()).status).toBe(201);
  const atClient = await scrape(client.proxy);
  expect(
    sampleOf(
      atClient,
      /^http_client_request_duration_seconds_count\{source_workload="default\/web",.*destination_workload="default\/echo-1",.*http_route="default\/split",network_protocol_name="http",mtls="true",http_request_method="PUT",http_response_status_code="201"\} /,
    ),
  ).toBe(1);
  expect(sampleOf(atClient, /^http_client_request_body_size_bytes_sum\{/)).toBe(3);
  expect(sampleOf(atClient, /^http_client_response_body_size_bytes_sum\{/)).toBe(5);
  expect(
    sampleOf(
      atClient,
      /^weft_route_rule_hits_total\{kind="HTTPRoute",route="default\/split",rule="canary"\}/,
    ),
  ).toBe(1);
  const atServer = await scrape(server.proxy);
  expect(
    sampleOf(
      atServer,
      /^http_server_request_duration_seconds_count\{source_workload="default\/web",.*destination_service="default\/echo",.*mtls="true",http_request_method="PUT",http_response_status_code="201"\} /,
    ),
  ).toBe(1);
  expect(
    sampleOf(atServer, /^weft_tls_handshakes_total\{listener="inbound",version="TLSv1.3",result="ok"\}/),
  ).toBe(1);
  expect(client.agent.telemetry?.take()).toMatchObject({
    edges: [{ method: "PUT", responseCode: 201, responseClass: "2xx", grpcStatus: 0 }],
    ruleHits: [{ kind: "HTTPRoute", route: "default/split", rule: "canary", count: 1n }],
    counters: [{ name: "weft_upstream_tries_total", count: 1n }],
    series: 1,
    maxSeries: 2_000,
  });
  app.stop();
});

test("requests of one route are counted at the endpoint that each went to, also when endpoints come and go", async () => {
  await using mesh = new TestMesh();
  const app = cannedServer("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok");
  const servers = [await mesh.server("echo-1", app.port), await mesh.server("echo-2", app.port)];
  const endpoints = servers.map(({ endpoint }) => endpoint);
  const source = { kind: "HTTPRoute", namespace: "default", name: "split", section: "rules[0]" };
  const rule = create(HttpRuleSchema, { source, backends: [{ cluster: "default/echo:80", weight: 1 }] });
  const http = create(HttpRoutingSchema, { entries: [{ match: {}, rule: 0 }], rules: [rule] });
  const client = await mesh.client(endpoints, { http });
  const peer = await RawClient.connect(client.port);
  for (const members of [endpoints, endpoints.slice(0, 1), endpoints]) {
    client.agent.configure(mesh.clientConfiguration(members, { http }));
    for (let i = 0; i < 50; i++) {
      peer.write("GET / HTTP/1.1\r\nhost: echo\r\n\r\n");
      expect((await peer.response()).status).toBe(200);
    }
  }
  const atClient = await scrape(client.proxy);
  const told = ["echo-1", "echo-2"].map((name) =>
    sampleOf(
      atClient,
      new RegExp(`^http_client_request_duration_seconds_count\\{.*workload="default/${name}"`),
    ),
  );
  const served = await Promise.all(
    servers.map(async ({ proxy }) =>
      sampleOf(await scrape(proxy), /^http_server_request_duration_seconds_count\{/),
    ),
  );
  expect(told).toEqual(served);
  expect(told.reduce((sum, count) => (sum ?? 0) + (count ?? 0), 0)).toBe(150);
  expect(Math.min(...told.map((count) => count ?? 0))).toBeGreaterThan(0);
  app.stop();
});

test("a call of gRPC is counted by what its caller got, the proxy's own answers too", async () => {
  await using mesh = new TestMesh();
  const app = new Http2Server((request) =>
    request.answer([
      [":status", "200"],
      ["content-type", "application/grpc"],
      ["grpc-status", "5"],
    ]),
  );
  const server = await mesh.server("echo-1", app.port, Protocol.GRPC);
  const client = await mesh.client([server.endpoint], { protocol: Protocol.GRPC });
  const caller = await Http2Client.connect(client.port);
  const call = [
    ["content-type", "application/grpc"],
    ["te", "trailers"],
  ] as const;
  await caller.post("/svc/Call", "x", call).ended();
  const grpc =
    /_duration_seconds_count\{.*"grpc",.*"POST",http_response_status_code="404",rpc_grpc_status_code="5"\}/;
  for (const { proxy } of [client, server]) expect(sampleOf(await scrape(proxy), grpc)).toBe(1);
  server.proxy.close();
  await caller.post("/svc/Call", "x", call).ended();
  expect(
    sampleOf(
      await scrape(client.proxy),
      /_duration_seconds_count\{.*rpc_grpc_status_code="14",error_type="\w+"\}/,
    ),
  ).toBe(1);
  caller.close();
  app.stop();
});

test("a connection is counted when it opens, while it is open and when it ends", async () => {
  await using mesh = new TestMesh();
  const app = rawServer((peer, chunk) => peer.socket.write(chunk));
  const server = await mesh.server("echo-1", app.port, Protocol.TCP);
  const client = await mesh.client([server.endpoint], { protocol: Protocol.TCP });
  const peer = await RawClient.connect(client.port);
  peer.write("ping");
  await peer.until("ping");
  const figure = async (name: string): Promise<number | undefined> =>
    sampleOf(await scrape(client.proxy), new RegExp(`^weft_tcp_${name}\\{direction="outbound",`));
  expect(await figure("connections_opened_total")).toBe(1);
  expect(await figure("connections_open")).toBe(1);
  expect(await figure("connections_closed_total")).toBe(0);
  peer.close();
  await eventually(async () => (await figure("connections_closed_total")) === 1, "it has ended");
  expect(await figure("connections_open")).toBe(0);
  expect(await figure("sent_bytes_total")).toBe(4);
  expect(await figure("connection_duration_seconds_count")).toBe(1);
  app.stop();
});

test.skipIf(!existsSync(promtool))(
  `promtool has nothing against a proxy's page (skipped without ${promtool})`,
  async () => {
    await using mesh = new TestMesh();
    const app = cannedServer("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n");
    const server = await mesh.server("echo-1", app.port);
    const client = await mesh.client([server.endpoint]);
    const peer = await RawClient.connect(client.port);
    peer.write("GET / HTTP/1.1\r\nhost: echo\r\n\r\n");
    await peer.response();
    for (const { proxy } of [client, server]) {
      const page = new TextEncoder().encode(await scrape(proxy));
      const run = Bun.spawn([promtool, "check", "metrics"], { stdin: page, stdout: "pipe", stderr: "pipe" });
      const [out, err] = await Promise.all([
        new Response(run.stdout).text(),
        new Response(run.stderr).text(),
      ]);
      expect([`${out}${err}`, await run.exited]).toEqual(["", 0]);
    }
    app.stop();
  },
);
