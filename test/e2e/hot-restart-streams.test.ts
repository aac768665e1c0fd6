/**
 * gRPC streams, and a gateway on Unix sockets, while every proxy on their way is replaced: a stream goes on through whoever has it, short
 * calls come to the new process, and a socket leads to the new one without a refused connection.
 */
import { afterAll, beforeAll, expect, test } from "bun:test";
import type { ClientHttp2Session, Http2Server } from "node:http2";
import { join } from "node:path";
import { BareMesh, type BareProxy, unusedPort } from "./harness/bare-mesh.ts";
import { eventually } from "./harness/eventually.ts";
import { type Door, EchoCall, EchoCalls, openSession, startGrpcEcho } from "./harness/grpc-echo.ts";
import { gatewayTo, httpPort } from "./harness/resources.ts";

const hookTimeoutMs = 120_000;
const testTimeoutMs = 120_000;
const exitTimeoutMs = 30_000;
const gatewayPort = unusedPort();
const outboundPort = unusedPort();

let echo: Http2Server;
let mesh: BareMesh;
let starters: Readonly<Record<string, (more: readonly string[]) => Promise<BareProxy>>>;
let doors: Readonly<Record<string, Door>>;

beforeAll(async () => {
  const { server, port } = await startGrpcEcho();
  echo = server;
  mesh = await BareMesh.start([
    {
      apiVersion: "v1",
      kind: "Service",
      metadata: { name: "echo", namespace: "default" },
      spec: {
        selector: { app: "server" },
        ports: [{ port: httpPort, targetPort: port, appProtocol: "grpc" }],
      },
    },
    { apiVersion: "v1", kind: "ServiceAccount", metadata: { name: "gateway", namespace: "weft-system" } },
    ...gatewayTo({ echo: 1 }, gatewayPort),
  ]);
  const workload = {
    ...{ namespace: "default", name: "server", serviceAccount: "default", region: "", zone: "" },
    labels: { app: "server" },
    addresses: [`${mesh.network}.2`],
    ports: [{ port, name: "grpc", protocol: "" }],
  };
  const outbound = [
    { address: "127.0.0.1", port: outboundPort, service: "default/echo", servicePort: httpPort },
  ];
  const directory = join(mesh.directory, "sockets");
  const tcpGateway = { kind: "tcp", address: "127.0.0.1" } as const;
  const unixGateway = { kind: "unix", directory, address: "127.0.0.1" } as const;
  starters = {
    server: (more) => mesh.startProxy("server", 2, { workload }, more),
    caller: (more) => mesh.startProxy("caller", 3, { capture: { kind: "explicit", outbound } }, more),
    door: (more) => mesh.startProxy("door", 4, { role: "gateway", gateway: tcpGateway }, more),
    socket: (more) => mesh.startProxy("socket", 5, { role: "gateway", gateway: unixGateway }, more),
  };
  doors = {
    "the sidecar": { port: outboundPort },
    "the gateway": { port: gatewayPort },
    "the gateway's Unix socket": { path: join(directory, `127.0.0.1:${gatewayPort}.sock`) },
  };
}, hookTimeoutMs);

afterAll(async () => {
  await mesh[Symbol.asyncDispose]();
  echo.close();
}, hookTimeoutMs);

interface LongCall {
  readonly through: string;
  readonly session: ClientHttp2Session;
  readonly call: EchoCall;
}

async function openLong(through: string, door: Door): Promise<LongCall> {
  const session = openSession(door);
  // What it says of the connection is said by the calls on it.
  session.on("error", () => {});
  const call = new EchoCall(session, "echo");
  await call.ask("hello");
  return { through, session, call };
}

test(
  "a stream outlives the replacement of each proxy on its way, and no short call fails",
  async () => {
    const proxies = new Map<string, BareProxy>();
    for (const [name, start] of Object.entries(starters)) proxies.set(name, await start([]));
    for (const door of Object.values(doors)) {
      await eventually(async () => {
        const { call, session } = await openLong("", door);
        expect(await call.end()).toBe("grpc 0");
        session.close();
      });
    }
    const long = await Promise.all(Object.entries(doors).map(([through, door]) => openLong(through, door)));
    const short = Object.entries(doors).map(
      ([through, door]) => [through, new EchoCalls(door, "echo")] as const,
    );
    const replaced: BareProxy[] = [];
    for (const [name, start] of Object.entries(starters)) {
      const before = proxies.get(name);
      if (before === undefined) throw new Error(`${name} was not started`);
      const next = await start(["--takeover"]);
      expect(next.process.stderr).toContain(`"replaced":${before.process.pid}`);
      proxies.set(name, next);
      replaced.push(before);
      for (const { call, through } of long) await call.ask(`through ${through} after ${name}`);
    }
    // Who was replaced has sent its clients on, and is there for as long as a stream of it is.
    for (const [, calls] of short) await eventually(() => expect(calls.connections).toBeGreaterThan(1));
    const ended = await Promise.all(long.map(({ call }) => call.end()));
    for (const { session } of long) session.close();
    const outcomes = await Promise.all(
      short.map(async ([through, calls]) => [through, await calls.stop()] as const),
    );
    expect({ ended, outcomes }).toEqual({
      ended: long.map(() => "grpc 0"),
      outcomes: Object.keys(doors).map((through) => [through, []]),
    });
    for (const [, calls] of short) expect(calls.answered).toBeGreaterThan(20);
    for (const { process } of replaced) expect((await process.within(exitTimeoutMs)).code).toBe(0);
    for (const { process } of proxies.values()) process.kill("SIGTERM");
    for (const { process } of proxies.values()) {
      const { code, stderr } = await process.within(exitTimeoutMs);
      expect({ code, line: code === 0 ? "" : stderr }).toEqual({ code: 0, line: "" });
    }
  },
  testTimeoutMs,
);
