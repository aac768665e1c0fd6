/** TLS at a port of a Gateway from files: several TLSRoutes, TLS that ends here beside TLS that passes through. */
import { afterEach, expect, test } from "bun:test";
import { connect, createServer, type TLSSocket } from "node:tls";
import { silentLog } from "../kernel/index.ts";
import { startStandalone } from "./standalone.ts";
import { shopPair, starPair } from "./testing/certificates.ts";
import { service, TestFiles } from "./testing/test-files.ts";

const closers: (() => void)[] = [];
afterEach(() => {
  for (const close of closers.splice(0).toReversed()) close();
});

/** Says its name to whoever says anything. */
function plain(name: string): number {
  const server = Bun.listen({
    hostname: "127.0.0.1",
    port: 0,
    socket: { data: (socket, chunk) => void socket.write(`${name} ${String(chunk)}`) },
  });
  closers.push(() => void server.stop(true));
  return server.port;
}

/** The same, with TLS of its own. */
async function secure(name: string): Promise<number> {
  const server = createServer({ cert: shopPair.certificate, key: shopPair.key }, (socket) => {
    socket.on("data", (chunk) => socket.write(`${name} ${String(chunk)}`));
    socket.on("error", () => {});
  });
  const { promise, resolve } = Promise.withResolvers<void>();
  server.listen(0, "127.0.0.1", resolve);
  await promise;
  closers.push(() => void server.close());
  const address = server.address();
  return typeof address === "object" && address !== null ? address.port : 0;
}

const route = (name: string, hostname: string, sectionName?: string): object => ({
  apiVersion: "gateway.networking.k8s.io/v1",
  kind: "TLSRoute",
  metadata: { name },
  spec: {
    parentRefs: [{ name: "door", ...(sectionName === undefined ? {} : { sectionName }) }],
    hostnames: [hostname],
    rules: [{ backendRefs: [{ name, port: 80 }] }],
  },
});

async function gateway(...objects: object[]): Promise<number> {
  const files = new TestFiles();
  closers.push(() => files[Symbol.dispose]());
  files.write(
    "all.yaml",
    {
      apiVersion: "weft.dev/v1alpha1",
      kind: "MeshConfig",
      metadata: { name: "mesh" },
      spec: { accessLog: false },
    },
    {
      apiVersion: "v1",
      kind: "Secret",
      metadata: { name: "star" },
      type: "kubernetes.io/tls",
      stringData: { "tls.crt": starPair.certificate, "tls.key": starPair.key },
    },
    {
      apiVersion: "gateway.networking.k8s.io/v1",
      kind: "Gateway",
      metadata: { name: "door" },
      spec: {
        gatewayClassName: "weft",
        listeners: [
          {
            name: "ends",
            port: 8443,
            protocol: "TLS",
            hostname: "*.example.com",
            tls: { mode: "Terminate", certificateRefs: [{ name: "star" }] },
          },
          {
            name: "passes",
            port: 8443,
            protocol: "TLS",
            hostname: "shop.example.com",
            tls: { mode: "Passthrough" },
          },
        ],
      },
    },
    ...objects,
  );
  const standalone = await startStandalone({
    files,
    gateway: { kind: "tcp", address: "127.0.0.1", port: 0 },
    log: silentLog,
  });
  closers.push(() => standalone.close());
  return standalone.listeners[0]?.port ?? 0;
}

/** Whose certificate is shown, and what comes back; undefined: the handshake is refused. */
async function ask(
  port: number,
  servername: string,
): Promise<readonly [string | undefined, string] | undefined> {
  const { promise, resolve } = Promise.withResolvers<readonly [string | undefined, string] | undefined>();
  const socket: TLSSocket = connect({ host: "127.0.0.1", port, servername, rejectUnauthorized: false });
  socket.on("secureConnect", () => socket.write("hi"));
  socket.on("data", (chunk) => resolve([socket.getPeerCertificate().subjectaltname, String(chunk)]));
  socket.on("error", () => resolve(undefined));
  socket.on("close", () => resolve(undefined));
  const answer = await promise;
  socket.destroy();
  return answer;
}

const star = "DNS:*.example.com, DNS:example.com";

test("server names lead to their routes, the most specific first, whether TLS ends here or not", async () => {
  const port = await gateway(
    route("any", "*.example.com", "ends"),
    route("db", "db.example.com", "ends"),
    route("deep", "*.deep.example.com", "ends"),
    route("shop", "shop.example.com", "passes"),
    ...service("any", plain("any")),
    ...service("db", plain("db")),
    ...service("deep", plain("deep")),
    ...service("shop", await secure("shop")),
  );
  expect(await ask(port, "db.example.com")).toEqual([star, "db hi"]);
  expect(await ask(port, "a.example.com")).toEqual([star, "any hi"]);
  expect(await ask(port, "a.b.deep.example.com")).toEqual([star, "deep hi"]);
  expect(await ask(port, "shop.example.com")).toEqual(["DNS:shop.example.com", "shop hi"]);
  expect(await ask(port, "example.org")).toBeUndefined();
});

test("a route for all names of both listeners is at each under the names that they have in common", async () => {
  const port = await gateway(route("any", "*.example.com"), ...service("any", plain("any")));
  expect(await ask(port, "db.example.com")).toEqual([star, "any hi"]);
  // Passed through to a server that speaks no TLS.
  expect(await ask(port, "shop.example.com")).toBeUndefined();
});

test("a name without a route is refused, also where a less specific listener has one for it", async () => {
  const port = await gateway(route("any", "*.example.com", "ends"), ...service("any", plain("any")));
  expect(await ask(port, "db.example.com")).toEqual([star, "any hi"]);
  expect(await ask(port, "shop.example.com")).toBeUndefined();
});
