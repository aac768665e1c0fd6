/** What an endpoint is asked and which answers are good, over real sockets. */
import { afterEach, describe, expect, test } from "bun:test";
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { systemClock } from "../../../kernel/index.ts";
import { EndpointSchema, HealthCheckSchema, Tunnel } from "../../../model/index.ts";
import { defaultCodecs } from "../../testing/default-codecs.ts";
import { freePort } from "../../testing/eventually.ts";
import { Http2Server } from "../../testing/http2-peer.ts";
import { cannedServer, rawServer } from "../../testing/raw-peer.ts";
import { directLimits } from "../cluster.ts";
import { UpstreamEndpoint } from "../endpoint.ts";
import { HopDialer } from "../hop.ts";
import { EndpointProber } from "./endpoint-prober.ts";
import { healthCheckSettings } from "./settings.ts";

const cleanUp: (() => void)[] = [];
afterEach(() => {
  for (const each of cleanUp.splice(0)) each();
});

function proberOf(port: number): EndpointProber {
  const dialer = new HopDialer({
    identity: () => ({ certChainPem: "", privateKeyPem: "", trustRootsPem: "" }),
    sourceWorkload: "default/web",
    mark: undefined,
    limits: defaultCodecs(),
  });
  const clock = systemClock;
  const endpoint = new UpstreamEndpoint(
    create(EndpointSchema, {
      workload: "default/a",
      address: "127.0.0.1",
      port,
      tunnel: Tunnel.NONE,
      weight: 1,
    }),
    { name: "default/echo", port },
    { limits: directLimits, dialer, clock },
  );
  const prober = new EndpointProber(endpoint, { dialer, clock, host: "echo.default", version: () => 1 });
  cleanUp.push(() => {
    prober.close();
    endpoint.close();
  });
  return prober;
}

function ask(
  prober: EndpointProber,
  check: MessageInitShape<typeof HealthCheckSchema>["probe"],
): Promise<string | undefined> {
  const settings = healthCheckSettings(create(HealthCheckSchema, { probe: check ?? { case: undefined } }));
  if (settings === undefined) throw new Error("no probe");
  return new Promise((resolve) => prober.probe(settings, resolve));
}

describe("over HTTP", () => {
  test.each<[string, number[], string | undefined]>([
    ["200 OK", [], undefined],
    ["302 Found", [], undefined],
    ["404 Not Found", [], "the answer's status is 404"],
    ["503 Service Unavailable", [], "the answer's status is 503"],
    ["404 Not Found", [200, 404], undefined],
    ["204 No Content", [200], "the answer's status is 204"],
  ])("%s where %p is expected", async (line, statuses, failure) => {
    const server = cannedServer(`HTTP/1.1 ${line}\r\ncontent-length: 0\r\n\r\n`);
    cleanUp.push(() => server.stop());
    const value = { path: "/healthz", statuses };
    expect(await ask(proberOf(server.port), { case: "http", value })).toBe(failure);
  });

  test("asks for path and host, on one connection for all checks", async () => {
    let seen = "";
    const server = rawServer((peer) => {
      seen = peer.received;
      peer.received = "";
      peer.socket.write("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok");
    });
    cleanUp.push(() => server.stop());
    const prober = proberOf(server.port);
    await ask(prober, { case: "http", value: { path: "/ready?full=1", host: "shop.example" } });
    expect(seen).toStartWith("GET /ready?full=1 HTTP/1.1\r\n");
    expect(seen.toLowerCase()).toContain("host: shop.example\r\n");
    await ask(prober, { case: "http", value: { path: "" } });
    expect(seen).toStartWith("GET / HTTP/1.1\r\n");
    expect(seen.toLowerCase()).toContain("host: echo.default\r\n");
    expect(server.connections).toHaveLength(1);
  });

  test("a connection that the server closed in between is no failure", async () => {
    const server = rawServer((peer) => {
      peer.socket.write("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok");
      peer.socket.end();
    });
    cleanUp.push(() => server.stop());
    const prober = proberOf(server.port);
    for (let i = 0; i < 3; i++) expect(await ask(prober, { case: "http", value: {} })).toBeUndefined();
  });

  test("nobody there, or no HTTP there", async () => {
    expect(await ask(proberOf(freePort()), { case: "http", value: {} })).toContain("refused");
    const server = cannedServer("SSH-2.0-x\r\n\r\n");
    cleanUp.push(() => server.stop());
    expect(await ask(proberOf(server.port), { case: "http", value: {} })).toBeString();
  });
});

describe("over gRPC", () => {
  const answer = (bytes: number[]): string =>
    Buffer.from([0, 0, 0, 0, bytes.length, ...bytes]).toString("latin1");

  test.each<[string, string, [string, string][], string | undefined]>([
    ["SERVING", answer([8, 1]), [["grpc-status", "0"]], undefined],
    ["NOT_SERVING", answer([8, 2]), [["grpc-status", "0"]], "the server says NOT_SERVING"],
    ["nothing, which is UNKNOWN", answer([]), [["grpc-status", "0"]], "the server says UNKNOWN"],
    ["no such service", "", [["grpc-status", "5"]], "the call ended with gRPC status 5"],
    ["no status", answer([8, 1]), [["x-other", "1"]], "the call ended with gRPC status 2"],
    ["half a message", "\0\0\0", [["grpc-status", "0"]], "the answer is not one uncompressed message"],
    ["far too much", "x".repeat(5_000), [["grpc-status", "0"]], "the answer is too long"],
  ])("%s", async (_name, body, trailers, failure) => {
    const server = new Http2Server(async (request) => {
      await request.message.ended();
      request.answer(
        [
          [":status", "200"],
          ["content-type", "application/grpc"],
        ],
        body,
        trailers,
      );
    });
    cleanUp.push(() => server.stop());
    expect(await ask(proberOf(server.port), { case: "grpc", value: { service: "shop.Cart" } })).toBe(failure);
    const [request] = server.requests;
    expect(request?.fields.get(":path")).toBe("/grpc.health.v1.Health/Check");
    expect(request?.fields.get("content-type")).toBe("application/grpc");
    expect(request?.message.body).toBe("\0\0\0\0\x0b\x0a\x09shop.Cart");
  });

  test("a server that is no gRPC server", async () => {
    const server = new Http2Server((request) => request.answer([[":status", "404"]]));
    cleanUp.push(() => server.stop());
    const failure = await ask(proberOf(server.port), { case: "grpc", value: {} });
    expect(failure).toBe("the answer's status is 404");
  });
});

describe("over TCP", () => {
  test("whether it accepts", async () => {
    const server = rawServer(() => {});
    cleanUp.push(() => server.stop());
    expect(await ask(proberOf(server.port), { case: "tcp", value: {} })).toBeUndefined();
    expect(await ask(proberOf(freePort()), { case: "tcp", value: {} })).toContain("refused");
  });
});
