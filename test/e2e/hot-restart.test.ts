/**
 * Every proxy of a mesh is replaced again and again, under load and with connections that live long: nothing fails. The old process goes on
 * with what it has; what is new comes to the new one. `WEFT_HOT_RESTART_ROUNDS=20` is the long form.
 */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { type ClientHttp2Session, connect as connectHttp2 } from "node:http2";
import { connect, createServer, type Server, type Socket } from "node:net";
import { BareMesh, type BareProxy, unusedPort } from "./harness/bare-mesh.ts";
import { ConnectionLoad } from "./harness/connection-load.ts";
import { eventually } from "./harness/eventually.ts";
import { countOutcomes, OpenLoopLoad } from "./harness/open-loop-load.ts";
import { NameLoad } from "./harness/name-load.ts";
import { gatewayTo, httpPort } from "./harness/resources.ts";

const rounds = Number(process.env["WEFT_HOT_RESTART_ROUNDS"] ?? 1);
const hookTimeoutMs = 120_000;
const testTimeoutMs = 60_000 + rounds * 60_000;
const exitTimeoutMs = 30_000;
const gatewayPort = unusedPort();
const outboundPort = unusedPort();
const tcpPort = unusedPort();

let web: Bun.Server<undefined>;
let echo: Server;
let mesh: BareMesh;

beforeAll(async () => {
  web = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    fetch: (request, server) => (server.upgrade(request) ? undefined : new Response("here")),
    websocket: { message: (socket, message) => void socket.send(message) },
  });
  echo = createServer((socket) => socket.on("error", () => {}).pipe(socket));
  await new Promise<void>((resolve) => void echo.listen(0, "127.0.0.1", resolve));
  mesh = await BareMesh.start([
    service("web", web.port ?? 0, "http"),
    service("echo", echoPort(), "tcp"),
    { apiVersion: "v1", kind: "ServiceAccount", metadata: { name: "gateway", namespace: "weft-system" } },
    ...gatewayTo({ web: 1 }, gatewayPort),
  ]);
}, hookTimeoutMs);

afterAll(async () => {
  await mesh[Symbol.asyncDispose]();
  await web.stop(true);
  echo.close();
}, hookTimeoutMs);

function echoPort(): number {
  const address = echo.address();
  return typeof address === "object" && address !== null ? address.port : 0;
}

function service(name: string, targetPort: number, appProtocol: string): object {
  return {
    apiVersion: "v1",
    kind: "Service",
    metadata: { name, namespace: "default" },
    spec: { selector: { app: "server" }, ports: [{ port: httpPort, targetPort, appProtocol }] },
  };
}

/** The same three proxies each time: what is called a second time takes over from the first. */
function starters(options: readonly string[]): readonly ((more: readonly string[]) => Promise<BareProxy>)[] {
  const common = { namespace: "default", serviceAccount: "default", region: "", zone: "" };
  const workload = {
    ...common,
    name: "server",
    labels: { app: "server" },
    addresses: [`${mesh.network}.2`],
    ports: [web.port ?? 0, echoPort()].map((port) => ({ port, name: `p${port}`, protocol: "" })),
  };
  const upstream = (port: number, name: string) => ({
    address: "127.0.0.1",
    port,
    service: `default/${name}`,
    servicePort: httpPort,
  });
  const outbound = [upstream(outboundPort, "web"), upstream(tcpPort, "echo")];
  const door = { role: "gateway", gateway: { kind: "tcp", address: "127.0.0.1" } } as const;
  const all = (more: readonly string[]): string[] => [...options, ...more];
  return [
    (more) => mesh.startProxy("server", 2, { workload }, all(more)),
    (more) => mesh.startProxy("caller", 3, { capture: { kind: "explicit", outbound } }, all(more)),
    (more) => mesh.startProxy("door", 4, door, all(more)),
  ];
}

describe.each([
  ["one process", []],
  ["two workers", ["--workers", "2"]],
])("%s", (_name, options) => {
  test(
    "is replaced again and again under load, and nobody notices",
    async () => {
      const start = starters(options);
      const proxies: BareProxy[] = [];
      for (const each of start) proxies.push(await each([]));
      await eventually(async () =>
        expect((await fetch(`http://127.0.0.1:${gatewayPort}/`)).status).toBe(200),
      );
      await eventually(async () =>
        expect((await fetch(`http://127.0.0.1:${outboundPort}/`)).status).toBe(200),
      );
      const loads = [gatewayPort, outboundPort].map((port) =>
        OpenLoopLoad.start({ url: `http://127.0.0.1:${port}/`, requestsPerSecond: 40 }),
      );
      const dials = [gatewayPort, outboundPort].map(
        (port) => new ConnectionLoad({ port, connectionsPerSecond: 40, tls: false }),
      );
      const http2 = new Http2Load(`http://127.0.0.1:${gatewayPort}`);
      const presence = watchPresence();
      for (let round = 0; round < rounds; round++) {
        const stream = await EchoStream.open(tcpPort);
        const socket = await EchoSocket.open(`ws://127.0.0.1:${gatewayPort}/`);
        for (const [i, each] of start.entries()) {
          const before = proxies[i];
          const next = await each(["--takeover"]);
          expect(next.process.stderr).toContain(`"replaced":${before?.process.pid}`);
          proxies[i] = next;
          // Of before, through whoever has it still.
          await stream.ask(`after proxy ${i}`);
          await socket.ask(`after proxy ${i}`);
        }
        stream.close();
        socket.close();
      }
      const samples = (await Promise.all(loads.map((load) => load.stop()))).flat();
      for (const load of dials) await load.stop();
      const isPresent = presence.stop();
      expect({
        outcomes: countOutcomes(samples),
        lost: dials.flatMap(({ losses }) => losses),
        http2: await http2.stop(),
        isPresent,
      }).toEqual({ outcomes: { "200": samples.length }, lost: [], http2: [], isPresent: true });
      expect(samples.length).toBeGreaterThan(100);
      expect(http2.answered).toBeGreaterThan(50);
      for (const { process } of proxies) process.kill("SIGTERM");
      for (const { process } of proxies) {
        const { code } = await process.within(exitTimeoutMs);
        expect({ code, line: code === 0 ? "" : process.stderr }).toEqual({ code: 0, line: "" });
      }
    },
    testTimeoutMs,
  );
});

test(
  "a second process is refused without --takeover, and one that cannot start leaves the first as it is",
  async () => {
    const [, caller] = starters([]);
    if (caller === undefined) throw new Error("there is no caller");
    const first = await caller([]);
    await expect(caller([])).rejects.toThrow("--takeover replaces it");
    using taken = Bun.listen({ hostname: "127.0.0.1", port: 0, socket: { data() {} } });
    const outbound = [
      { address: "127.0.0.1", port: taken.port, service: "default/web", servicePort: httpPort },
    ];
    const failing = mesh.startProxy("caller", 3, { capture: { kind: "explicit", outbound } }, ["--takeover"]);
    await expect(failing).rejects.toThrow("in use");
    await eventually(() => expect(first.process.stderr).toContain("this one goes on"));
    const next = await caller(["--takeover"]);
    expect((await first.process.within(exitTimeoutMs)).code).toBe(0);
    next.process.kill("SIGTERM");
    await next.process.within(exitTimeoutMs);
  },
  testTimeoutMs,
);

test(
  "SIGUSR2 has a proxy start its own successor",
  async () => {
    const [, caller] = starters([]);
    const first = await caller?.([]);
    if (first === undefined) throw new Error("there is no caller");
    first.process.kill("SIGUSR2");
    const pid = await first.process.untilLine("stderr", exitTimeoutMs, (line) =>
      line.includes(`"replaced":${first.process.pid}`) ? successorOf(first.process.stderr) : undefined,
    );
    process.kill(pid, "SIGTERM");
    expect((await first.process.within(exitTimeoutMs)).code).toBe(0);
  },
  testTimeoutMs,
);

test(
  "under a supervisor SIGUSR2 is refused, and the proxy goes on",
  async () => {
    const [, caller] = starters([]);
    mesh.environment = { WEFT_SUPERVISED: "1" };
    const proxy = await caller?.([]).finally(() => (mesh.environment = {}));
    if (proxy === undefined) throw new Error("there is no caller");
    proxy.process.kill("SIGUSR2");
    await proxy.process.untilLine("stderr", exitTimeoutMs, (line) =>
      line.includes("SIGUSR2 is refused") ? true : undefined,
    );
    expect((await fetch(`${proxy.adminUrl}/healthz/ready`)).status).toBe(200);
    expect(proxy.process.stderr).not.toContain("starting a process that takes over");
    proxy.process.kill("SIGTERM");
    expect((await proxy.process.within(exitTimeoutMs)).code).toBe(0);
  },
  testTimeoutMs,
);

test(
  "names are answered all along, over UDP",
  async () => {
    const dnsPort = unusedPort();
    const doors = { outboundPort: unusedPort(), inboundPort: unusedPort(), dnsPort, mark: 0 };
    const start = (more: readonly string[]): Promise<BareProxy> =>
      mesh.startProxy("names", 5, { capture: { kind: "redirect", ...doors } }, more);
    let proxy = await start([]);
    const names = new NameLoad(dnsPort, "web.default.svc.cluster.local");
    for (let round = 0; round < rounds; round++) {
      const before = proxy.process;
      proxy = await start(["--takeover"]);
      expect((await before.within(exitTimeoutMs)).code).toBe(0);
    }
    const asked = await names.stop();
    expect({ asked, answered: names.answered }).toEqual({ asked, answered: asked });
    expect(asked).toBeGreaterThan(50);
    proxy.process.kill("SIGTERM");
    await proxy.process.within(exitTimeoutMs);
  },
  testTimeoutMs,
);

function successorOf(stderr: string): number {
  const line = stderr.split("\n").find((each) => each.includes("starting a process that takes over")) ?? "{}";
  const { pid }: { pid?: unknown } = JSON.parse(line);
  if (typeof pid !== "number") throw new Error("no successor was started");
  return pid;
}

/** Whether every proxy was connected at each look. */
function watchPresence(): { stop(): boolean } {
  let isPresent = true;
  const look = async (): Promise<void> => {
    const { proxies } = await mesh.client.status();
    if (proxies.some(({ connected }) => !connected)) isPresent = false;
  };
  const timer = setInterval(() => {
    void look();
  }, 50);
  return {
    stop() {
      clearInterval(timer);
      return isPresent;
    },
  };
}

/** One request after another over HTTP/2, on a new session whenever the one before says that it goes. */
class Http2Load {
  answered = 0;
  readonly #url: string;
  readonly #failures: string[] = [];
  readonly #running: Promise<void>;
  #isStopped = false;

  constructor(url: string) {
    this.#url = url;
    this.#running = this.#run();
  }

  async stop(): Promise<readonly string[]> {
    this.#isStopped = true;
    await this.#running;
    return this.#failures;
  }

  async #run(): Promise<void> {
    let session: ClientHttp2Session | undefined;
    while (!this.#isStopped) {
      if (session === undefined || session.closed || session.destroyed) session = this.#open();
      try {
        await ask(session);
        this.answered++;
      } catch (error) {
        this.#failures.push(String(error));
      }
      await Bun.sleep(10);
    }
    session?.close();
  }

  #open(): ClientHttp2Session {
    const session = connectHttp2(this.#url);
    session.on("error", (error) => this.#failures.push(`session: ${error.message}`));
    session.on("goaway", () => session.close());
    return session;
  }
}

function ask(session: ClientHttp2Session): Promise<void> {
  return new Promise((resolve, reject) => {
    const stream = session.request({ ":path": "/" });
    let status = 0;
    stream.on("response", (headers) => {
      status = Number(headers[":status"]);
    });
    stream.on("error", reject);
    stream.on("end", () => (status === 200 ? resolve() : reject(new Error(`status ${status}`))));
    stream.resume();
    stream.end();
  });
}

class EchoStream {
  readonly #socket: Socket;

  private constructor(socket: Socket) {
    this.#socket = socket;
  }

  static async open(port: number): Promise<EchoStream> {
    const socket = connect(port, "127.0.0.1");
    const stream = new EchoStream(socket);
    await stream.ask("hello");
    return stream;
  }

  ask(text: string): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#socket.once("close", () => reject(new Error(`closed before it answered ${text}`)));
      this.#socket.once("data", (data) => {
        if (data.toString() === text) resolve();
        else reject(new Error(`${data.toString()} is no echo of ${text}`));
      });
      this.#socket.write(text);
    });
  }

  close(): void {
    this.#socket.destroy();
  }
}

class EchoSocket {
  readonly #socket: WebSocket;

  private constructor(socket: WebSocket) {
    this.#socket = socket;
  }

  static async open(url: string): Promise<EchoSocket> {
    const socket = new WebSocket(url);
    await new Promise((resolve, reject) => {
      socket.addEventListener("open", resolve);
      socket.addEventListener("error", reject);
    });
    return new EchoSocket(socket);
  }

  ask(text: string): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#socket.addEventListener("close", () => reject(new Error(`closed before it answered ${text}`)));
      this.#socket.addEventListener(
        "message",
        ({ data }) => (data === text ? resolve() : reject(new Error(data))),
        {
          once: true,
        },
      );
      this.#socket.send(text);
    });
  }

  close(): void {
    this.#socket.close();
  }
}
