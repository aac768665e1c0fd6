/** Files in, answers out: what is served follows the files, whole changes only. */
import { afterEach, expect, test } from "bun:test";
import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createLog, type Log } from "../kernel/index.ts";
import { type RunningStandalone, startStandalone } from "./standalone.ts";
import { gateway, route, service, TestFiles } from "./testing/test-files.ts";

const closers: (() => void)[] = [];
afterEach(() => {
  for (const close of closers.splice(0).toReversed()) close();
});

function answering(text: string): number {
  const server = Bun.serve({ hostname: "127.0.0.1", port: 0, fetch: () => new Response(text) });
  closers.push(() => void server.stop(true));
  return server.port ?? 0;
}

class Lines {
  readonly all: string[] = [];
  readonly log: Log = createLog({
    format: "text",
    level: "info",
    write: (line) => {
      this.all.push(line);
      for (const look of [...this.#waiting]) look();
    },
  });
  readonly #waiting = new Set<() => void>();

  until(part: string, count = 1): Promise<void> {
    return new Promise((resolve) => {
      const look = (): void => {
        if (this.all.filter((line) => line.includes(part)).length < count) return;
        this.#waiting.delete(look);
        resolve();
      };
      this.#waiting.add(look);
      look();
    });
  }
}

async function serve(
  files: TestFiles,
  lines = new Lines(),
  dnsUpstreams: readonly string[] = [],
): Promise<RunningStandalone> {
  const standalone = await startStandalone({
    files,
    dnsUpstreams,
    gateway: { kind: "tcp", address: "127.0.0.1", port: 0 },
    log: lines.log,
  });
  closers.push(() => standalone.close());
  return standalone;
}

function testFiles(): TestFiles {
  const files = new TestFiles();
  closers.push(() => files[Symbol.dispose]());
  return files;
}

const mesh = {
  apiVersion: "weft.dev/v1alpha1",
  kind: "MeshConfig",
  metadata: { name: "mesh" },
  spec: { accessLog: false },
};

test("routes follow the files, one revision for each change", async () => {
  const files = testFiles();
  const lines = new Lines();
  files.write("mesh.yaml", mesh, gateway(8080), ...service("one", answering("one")));
  files.write("route.yaml", route("web", "one"));
  const standalone = await serve(files, lines);
  expect(standalone.revision).toBe(1);
  expect(await (await fetch(standalone.gatewayUrl)).text()).toBe("one");
  files.write("route.yaml", route("web", "two"), ...service("two", answering("two")));
  await lines.until("configuration changed");
  expect(standalone.revision).toBe(2);
  expect(await (await fetch(standalone.gatewayUrl)).text()).toBe("two");
});

test("several endpoints at one address are told apart by their ports", async () => {
  const files = testFiles();
  const ports = [answering("a"), answering("b")];
  files.write("all.yaml", mesh, gateway(8080), route("web", "web"), ...service("web", ...ports));
  const standalone = await serve(files);
  const answers = new Set<string>();
  for (let i = 0; i < 50; i++) answers.add(await (await fetch(standalone.gatewayUrl)).text());
  expect([...answers].toSorted()).toEqual(["a", "b"]);
});

test("files that cannot be used change nothing, and say so once", async () => {
  const files = testFiles();
  const lines = new Lines();
  files.write("all.yaml", mesh, gateway(8080), route("web", "web"), ...service("web", answering("good")));
  const standalone = await serve(files, lines);
  writeFileSync(join(files.path, "broken.yaml"), "kind: [");
  await lines.until("the last good configuration stays");
  standalone.reload();
  files.write("route.yaml", route("more", "web"));
  expect(await (await fetch(standalone.gatewayUrl)).text()).toBe("good");
  expect(standalone.revision).toBe(1);
  rmSync(join(files.path, "broken.yaml"));
  await lines.until("configuration changed");
  expect(lines.all.filter((line) => line.includes("last good"))).toHaveLength(1);
  expect(lines.all.filter((line) => line.includes("broken.yaml:1"))).toHaveLength(1);
});

test("what compiles but does not work is a warning", async () => {
  const files = testFiles();
  const lines = new Lines();
  files.write("all.yaml", mesh, gateway(8080), route("web", "missing"));
  await serve(files, lines);
  expect(lines.all.filter((line) => line.includes("ResolvedRefs=False"))).toHaveLength(1);
});

test("a taken port is an error at the start", async () => {
  const files = testFiles();
  const taken = answering("somebody else");
  files.write("all.yaml", mesh, gateway(taken));
  const started = startStandalone({
    files,
    gateway: { kind: "tcp", address: "127.0.0.1" },
    log: new Lines().log,
  });
  expect(started).rejects.toThrow("1 listeners cannot be opened");
});

test("listeners that no file wants go, new ones come, and what is connected goes on", async () => {
  const files = testFiles();
  const lines = new Lines();
  files.write("all.yaml", mesh, gateway(8080), route("web", "web"), ...service("web", answering("up")));
  const standalone = await serve(files, lines);
  const before = standalone.listeners;
  files.write("more.yaml", { ...gateway(1), metadata: { name: "zz" } }, mesh);
  await lines.until("already in");
  files.write("more.yaml", gatewayAt("127.0.0.2", 0));
  await lines.until("configuration changed");
  expect(standalone.listeners).toHaveLength(2);
  expect(standalone.listeners[0]).toEqual(before[0] ?? { address: "", port: 0 });
  rmSync(join(files.path, "more.yaml"));
  await lines.until("configuration changed", 2);
  expect(standalone.listeners).toEqual(before);
  expect(await (await fetch(standalone.gatewayUrl)).text()).toBe("up");
});

function gatewayAt(address: string, offset: number): object {
  const probe = Bun.listen({ hostname: address, port: offset, socket: { data: () => {} } });
  const { port } = probe;
  probe.stop(true);
  return {
    apiVersion: "gateway.networking.k8s.io/v1",
    kind: "Gateway",
    metadata: { name: "zz" },
    spec: {
      gatewayClassName: "weft",
      addresses: [{ type: "IPAddress", value: address }],
      listeners: [{ name: "http", port, protocol: "HTTP" }],
    },
  };
}

/** A resolver that says 127.0.0.1 to each question for an IPv4 address, and that there is none of IPv6. */
async function resolving() {
  const socket = await Bun.udpSocket({
    hostname: "127.0.0.1",
    socket: {
      data(own, query, port, address) {
        const question = query.subarray(12, query.indexOf(0, 12) + 5);
        const isV4 = question.at(-3) === 1;
        const record = isV4 ? [0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 30, 0, 4, 127, 0, 0, 1] : [];
        const flags = [0x81, 0x80, 0, 1, 0, isV4 ? 1 : 0, 0, 0, 0, 0];
        own.send(Buffer.from([...query.subarray(0, 2), ...flags, ...question, ...record]), port, address);
      },
    },
  });
  closers.push(() => socket.close());
  return socket;
}

test("an ExternalService is a backend, by address and by a name that is looked up", async () => {
  const resolver = await resolving();
  const files = testFiles();
  const lines = new Lines();
  const external = (name: string, spec: object): object => ({
    apiVersion: "weft.dev/v1alpha1",
    kind: "ExternalService",
    metadata: { name },
    spec,
  });
  const named = answering("by name");
  const backendOf = (path: string, name: string): object => ({
    matches: [{ path: { value: path } }],
    backendRefs: [{ group: "weft.dev", kind: "ExternalService", name, port: 80 }],
  });
  files.write(
    "mesh.yaml",
    mesh,
    gateway(8080),
    external("named", {
      hosts: ["api.example.com"],
      ports: [{ port: 80, protocol: "HTTP", targetPort: named }],
    }),
    external("fixed", {
      hosts: ["fixed.example.com"],
      ports: [{ port: 80, protocol: "HTTP", targetPort: answering("by address") }],
      resolution: "Static",
      endpoints: [{ address: "127.0.0.1" }],
    }),
    external("open", {
      hosts: ["*.example.org"],
      ports: [{ port: 80, protocol: "HTTP" }],
      resolution: "None",
    }),
    {
      apiVersion: "gateway.networking.k8s.io/v1",
      kind: "HTTPRoute",
      metadata: { name: "out" },
      spec: {
        parentRefs: [{ name: "door" }],
        rules: [backendOf("/named", "named"), backendOf("/fixed", "fixed"), backendOf("/open", "open")],
      },
    },
  );
  const standalone = await serve(files, lines, [`127.0.0.1:${resolver.port}`]);
  const get = async (path: string): Promise<string> =>
    await (await fetch(`${standalone.gatewayUrl}${path}`)).text();
  expect(await get("/named")).toBe("by name");
  expect(await get("/fixed")).toBe("by address");
  expect((await fetch(`${standalone.gatewayUrl}/open`)).status).toBe(500);
  expect(lines.all.filter((line) => line.includes("resolution None"))).toHaveLength(1);
});
