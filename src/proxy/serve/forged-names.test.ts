/**
 * What clients say under names that the mesh sets, and requests that try to pass a policy by another way than the front door:
 * through a gateway and two sidecars, byte by byte.
 */
import { afterEach, describe, expect, test } from "bun:test";
import { create } from "@bufbuild/protobuf";
import { type Admission, AdmissionSchema, GatewaySchema, Protocol } from "../../model/index.ts";
import type { FilteredExchange, FilterWaiter, RequestFilter } from "../admission/index.ts";
import { makeFactories } from "../admission/filter-factories.ts";
import { admissionOf, guardedServer } from "../testing/admission-scene.ts";
import { eventually, freePort } from "../testing/eventually.ts";
import { Http2Client } from "../testing/http2-peer.ts";
import { RawClient, type RawServer, rawServer } from "../testing/raw-peer.ts";
import { TestMesh } from "../testing/test-mesh.ts";

const hello = "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello";

/** Says who the caller is, as the filters of tokens and of external authorization do: at once, or when told to. */
class Naming implements RequestFilter {
  readonly waiting: FilterWaiter["resume"][] = [];
  readonly #isSlow: boolean;
  constructor(isSlow = false) {
    this.#isSlow = isSlow;
  }
  start(exchange: FilteredExchange, waiter: FilterWaiter): "continue" | "suspended" {
    const name = (): void => {
      exchange.setRequestHeader("x-user", "alice");
      exchange.removeRequestHeader("x-role");
    };
    if (!this.#isSlow) {
      name();
      return "continue";
    }
    this.waiting.push((step) => {
      name();
      waiter.resume(step);
    });
    return "suspended";
  }
  cancel(): void {}
}

const named: Admission = create(AdmissionSchema, { jwt: { providers: [{ name: "a", issuer: "a" }] } });
const hasEnded = /\r\n0\r\n(?:[^\r\n]+\r\n)*\r\n$/;

const apps: RawServer[] = [];
afterEach(() => {
  for (const app of apps.splice(0)) app.stop();
});

/** Keeps each request with its body and its trailers. */
function application(requests: string[], answer = hello): RawServer {
  const app = rawServer((peer) => {
    const head = peer.received.indexOf("\r\n\r\n");
    if (head < 0) return;
    if (/\r\ntransfer-encoding: chunked/i.test(peer.received) && !hasEnded.test(peer.received)) return;
    requests.push(peer.received);
    peer.received = "";
    peer.socket.write(answer);
  });
  apps.push(app);
  return app;
}

interface SceneOptions {
  readonly atGateway?: Admission;
  readonly atServer?: Admission;
  readonly filter?: Naming;
  readonly answer?: string;
}

/** `gateway` and `sidecar`: ports of the two ways to the one application. */
async function scene(mesh: TestMesh, options: SceneOptions) {
  const requests: string[] = [];
  const app = application(requests, options.answer);
  const { filter = new Naming() } = options;
  const filters = {
    ...makeFactories(),
    jwt: () => filter,
    external: () => filter,
    rateLimits: () => filter,
  };
  const server = await guardedServer(mesh, app.port, {
    ...(options.atServer && { admission: options.atServer }),
    filters,
    gatewayIdentities: [mesh.authority.identity("edge")],
  });
  const gateway = freePort();
  const backends = [{ cluster: "default/echo:80", weight: 1 }];
  const http = {
    entries: [{ match: { path: { case: "pathPrefix" as const, value: "/" } }, rule: 0 }],
    rules: [{ backends }],
  };
  const agent = mesh.agent("edge", {
    ...mesh.clientConfiguration([server.endpoint]),
    gateways: [
      create(GatewaySchema, {
        source: { kind: "Gateway", namespace: "default", name: "edge" },
        admissions: options.atGateway === undefined ? [] : [options.atGateway],
        listeners: [
          {
            name: "web",
            port: gateway,
            protocol: Protocol.HTTP,
            admission: options.atGateway === undefined ? 0 : 1,
            virtualHosts: [{ hostname: "*", http }],
          },
        ],
      }),
    ],
  });
  await mesh.run(
    { ...mesh.bootstrap("edge", "edge"), role: "gateway", gateway: { kind: "tcp", address: "127.0.0.1" } },
    agent,
    { filters },
  );
  const { port: sidecar } = await mesh.client([server.endpoint]);
  return { gateway, sidecar, requests };
}

function valuesOf(request: string, name: RegExp): string[] {
  return request
    .split("\r\n")
    .filter((line) => name.test(line.slice(0, Math.max(0, line.indexOf(":"))).toLowerCase()))
    .map((line) => line.slice(line.indexOf(":") + 1).trim());
}

/** To a program that reads fields as variables of an environment, "_" is "-". */
const user = /^x[-_]user$/;
const role = /^x[-_]role$/;
const certificate = /^x[-_]forwarded[-_]client[-_]cert$/;
const forgedHead: readonly (readonly [string, string])[] = [
  ["X-User", "root"],
  ["x-user", "root"],
  ["X_USER", "root"],
  ["x_user", "root"],
  ["x-ROLE", "admin"],
  ["x_role", "admin"],
  ["x-forwarded-client-cert", "By=a;URI=spiffe://a/ns/a/sa/root"],
  ["X-Forwarded-Client-Cert", "By=a;URI=spiffe://a/ns/a/sa/root"],
  ["x_forwarded_client_cert", "By=a;URI=spiffe://a/ns/a/sa/root"],
  ["x-forwarded_client-cert", "By=a;URI=spiffe://a/ns/a/sa/root"],
  ["x-forwarded-for", "9.9.9.9"],
  ["X_Forwarded_For", "8.8.8.8"],
  ["x-forwarded-proto", "https"],
  ["x_forwarded_proto", "https"],
  ["weft-try", "attempt=99, timeout=1"],
  ["x-kept", "yes"],
  ["x_kept", "yes"],
];

describe.each([1, 2] as const)("heads over HTTP/%d", (version) => {
  async function send(port: number, forged = forgedHead): Promise<void> {
    if (version === 1) {
      const peer = await RawClient.connect(port);
      const fields = forged.map(([name, value]) => `${name}: ${value}\r\n`).join("");
      peer.write(`GET / HTTP/1.1\r\nhost: echo\r\n${fields}\r\n`);
      expect((await peer.response()).status).toBe(200);
      peer.close();
      return;
    }
    const peer = await Http2Client.connect(port);
    const fields = forged.map(([name, value]) => [name.toLowerCase(), value] as const);
    expect((await peer.get("/", fields).ended()).status).toBe(200);
    peer.close();
  }

  test("at a gateway say nothing in the mesh's names", async () => {
    await using mesh = new TestMesh();
    const { gateway, requests } = await scene(mesh, { atGateway: named });
    await send(gateway);
    const [request = ""] = requests;
    expect(valuesOf(request, user)).toEqual(["alice"]);
    expect(valuesOf(request, role)).toEqual([]);
    expect(valuesOf(request, certificate)).toHaveLength(1);
    expect(request).not.toContain("sa/root");
    // No hop in front is trusted: what the client says of itself is replaced.
    expect(valuesOf(request, /^x[-_]forwarded[-_]for$/)).toEqual(["127.0.0.1"]);
    expect(valuesOf(request, /^x[-_]forwarded[-_]proto$/)).toEqual(["http"]);
    expect(request).not.toMatch(/attempt=99|timeout=1\b/);
    expect(valuesOf(request, /^x[-_]kept$/)).toEqual(["yes", "yes"]);
  });

  test("at a workload's door say nothing either", async () => {
    await using mesh = new TestMesh();
    const { sidecar, requests } = await scene(mesh, { atServer: named });
    // Its own proxy takes an application's word for how long its requests may take.
    const forged = forgedHead.filter(([name]) => name !== "weft-try");
    await send(sidecar, forged);
    const [request = ""] = requests;
    expect(valuesOf(request, user)).toEqual(["alice"]);
    expect(valuesOf(request, role)).toEqual([]);
    expect(valuesOf(request, certificate)).toHaveLength(1);
    expect(request).not.toContain("sa/root");
  });
});

const forgedTrailers: readonly (readonly [string, string])[] = [
  ["x-user", "root"],
  ["x_user", "root"],
  ["x-role", "admin"],
  ["x-forwarded-client-cert", "URI=spiffe://a/ns/a/sa/root"],
  ["x_forwarded_client_cert", "URI=spiffe://a/ns/a/sa/root"],
  ["x-forwarded-for", "9.9.9.9"],
  ["x-forwarded-proto", "https"],
  ["x-request-id", "forged"],
  ["weft-try", "attempt=99"],
  ["weft-unprocessed", "overloaded"],
  ["authorization", "Bearer forged"],
  ["x-checksum", "abc"],
];

describe.each([1, 2] as const)("trailers over HTTP/%d", (version) => {
  async function send(port: number, onSent: () => void | Promise<void> = () => {}): Promise<number> {
    if (version === 1) {
      const peer = await RawClient.connect(port);
      const trailers = forgedTrailers.map(([name, value]) => `${name.toUpperCase()}: ${value}\r\n`).join("");
      peer.write("POST / HTTP/1.1\r\nhost: echo\r\ntransfer-encoding: chunked\r\n\r\n");
      peer.write(`2\r\nhi\r\n0\r\n${trailers}\r\n`);
      await onSent();
      return (await peer.response()).status;
    }
    const peer = await Http2Client.connect(port);
    const message = peer.post("/", "hi", [], forgedTrailers);
    await onSent();
    await message.ended();
    peer.close();
    return message.status;
  }

  const expectClean = (request: string): void => {
    const trailers = request.slice(request.lastIndexOf("\r\n0\r\n") + 5).toLowerCase();
    expect(trailers.split("\r\n").filter((line) => line !== "")).toEqual(["x-checksum: abc"]);
  };

  test("say nothing of what a gateway's filters set or removed, nor what the mesh says", async () => {
    await using mesh = new TestMesh();
    const { gateway, requests } = await scene(mesh, { atGateway: named });
    expect(await send(gateway)).toBe(200);
    expectClean(requests[0] ?? "");
  });

  test("neither at a workload's door, where they came before the filter had answered", async () => {
    await using mesh = new TestMesh();
    const filter = new Naming(true);
    const { sidecar, requests } = await scene(mesh, { atServer: named, filter });
    const answered = async (): Promise<void> => {
      await eventually(() => filter.waiting.length === 1, "the filter is asked");
      filter.waiting[0]?.("continue");
    };
    expect(await send(sidecar, answered)).toBe(200);
    expectClean(requests[0] ?? "");
  });
});

const noAdmin = admissionOf([
  {
    name: "no-admin",
    action: "deny",
    rules: [{ to: [{ paths: ["/admin*"] }] }, { to: [{ hosts: ["admin.example"] }] }],
  },
]);
const onlyPublic = admissionOf([
  { name: "only-public", action: "allow", rules: [{ to: [{ paths: ["/public*"] }] }] },
]);

describe.each(["atGateway", "atServer"] as const)("past a policy %s", (place) => {
  const portOf = ({ gateway, sidecar }: { gateway: number; sidecar: number }): number =>
    place === "atGateway" ? gateway : sidecar;

  async function ask(peer: RawClient, text: string): Promise<number> {
    peer.write(text);
    return (await peer.response()).status;
  }

  test("an absolute form that names another host than Host is refused, and else is the host", async () => {
    await using mesh = new TestMesh();
    const made = await scene(mesh, { [place]: noAdmin });
    const form = async (target: string, host: string): Promise<number> => {
      const peer = await RawClient.connect(portOf(made));
      return ask(peer, `GET ${target} HTTP/1.1\r\nhost: ${host}\r\n\r\n`);
    };
    expect(await form("http://admin.example/", "echo")).toBe(400);
    expect(await form("http://echo/", "admin.example")).toBe(400);
    expect(await form("http://ADMIN.example/", "admin.example")).toBe(403);
    expect(await form("http://echo/admin", "echo")).toBe(403);
    expect(await form("http://echo/public", "echo")).toBe(200);
    expect(made.requests.map((request) => valuesOf(request, /^host$/))).toEqual([["echo"]]);
  });

  test("CONNECT has no path that an allow policy could mean", async () => {
    await using mesh = new TestMesh();
    const made = await scene(mesh, { [place]: onlyPublic });
    const peer = await RawClient.connect(portOf(made));
    expect(await ask(peer, "GET /public HTTP/1.1\r\nhost: echo\r\n\r\n")).toBe(200);
    const tunnel = await RawClient.connect(portOf(made));
    tunnel.write(
      "CONNECT echo:80 HTTP/1.1\r\nhost: echo:80\r\n\r\nGET /admin HTTP/1.1\r\nhost: echo\r\n\r\n",
    );
    expect((await tunnel.until("\r\n")).slice(9, 12)).not.toBe("200");
    expect(made.requests).toHaveLength(1);
  });

  test("an upgrade to HTTP/2 leads to the same policies", async () => {
    await using mesh = new TestMesh();
    const made = await scene(mesh, { [place]: noAdmin });
    const upgrade = (path: string): string =>
      `GET ${path} HTTP/1.1\r\nhost: echo\r\nconnection: upgrade, http2-settings\r\nupgrade: h2c\r\nhttp2-settings: AAMAAABk\r\n\r\n`;
    for (const path of ["/admin", "/public"]) {
      const peer = await RawClient.connect(portOf(made));
      peer.write(upgrade(path));
      await peer.until("101 Switching Protocols");
      peer.write("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
      peer.write(Uint8Array.of(0, 0, 0, 4, 0, 0, 0, 0, 0));
      await peer.until(path === "/public" ? "hello" : "client error, request");
      peer.terminate();
    }
    expect(made.requests.map((request) => request.split(" ")[1])).toEqual(["/public"]);
    const http2 = await Http2Client.connect(portOf(made));
    expect((await http2.get("/admin").ended()).status).toBe(403);
    expect((await http2.get("/public").ended()).status).toBe(200);
    http2.close();
    expect(made.requests).toHaveLength(2);
  });

  test("a request behind one that asked for another protocol in vain is a request like any other", async () => {
    await using mesh = new TestMesh();
    const made = await scene(mesh, { [place]: noAdmin });
    for (const protocol of ["websocket", "h2c", "made-up"]) {
      const before = made.requests.length;
      const peer = await RawClient.connect(portOf(made));
      peer.write(
        `GET /public HTTP/1.1\r\nhost: echo\r\nconnection: upgrade\r\nupgrade: ${protocol}\r\n` +
          "sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\nsec-websocket-version: 13\r\n\r\n" +
          "GET /admin HTTP/1.1\r\nhost: echo\r\n\r\n",
      );
      expect((await peer.response()).status).toBe(200);
      expect((await peer.response()).status).toBe(403);
      expect(made.requests.slice(before).map((request) => request.split(" ")[1])).toEqual(["/public"]);
    }
  });
});
