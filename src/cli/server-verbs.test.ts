/** The verbs that speak with a control plane, from their arguments to what is asked, printed and answered as exit code. */
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { MeshStatus, ProxyStatus } from "../api/index.ts";
import { type Answers, failure, type FakeServer, fakeServer } from "./testing/fake-server.ts";
import { runVerb, type VerbResult } from "./testing/run-verb.ts";

let folder = "";
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "weft-cli-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const weft = (server: Pick<FakeServer, "url">, ...args: readonly string[]): Promise<VerbResult> =>
  runVerb(folder, server, args);

function file(name: string, text: string): string {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
}

const stored = { uid: "u", resourceVersion: "7", generation: 1, creationTimestamp: "2026-01-01T00:00:00Z" };
const service = (name: string) => ({
  apiVersion: "v1",
  kind: "Service",
  metadata: { name, namespace: "default", ...stored },
  spec: { selector: { app: name }, ports: [{ port: 80, protocol: "TCP" }], clusterIP: "240.240.0.1" },
});
const services: Answers = {
  "GET /api/v1/namespaces/default/services": {
    kind: "ServiceList",
    apiVersion: "v1",
    metadata: { resourceVersion: "9" },
    items: [service("reviews"), service("ratings")],
  },
  "GET /api/v1/namespaces/default/services/reviews": service("reviews"),
};
const transactions = "POST /apis/weft.dev/v1alpha1/transactions";
const configMap = "apiVersion: v1\nkind: ConfigMap\nmetadata: { name: a }\ndata: { k: v }\n";
const created = {
  revision: 4,
  results: [{ kind: "ConfigMap", namespace: "shop", name: "a", outcome: "created" }],
};

const proxy = (id: string, revision: number, more: Partial<ProxyStatus> = {}): ProxyStatus => ({
  ...{ id, revision, role: "sidecar", workload: id, identity: "", connected: true },
  ...more,
});
const status = (...proxies: readonly ProxyStatus[]): MeshStatus => ({
  revision: 4,
  sequence: 9,
  compiledRevision: 4,
  trustDomain: "abc.weft",
  version: "0.1.0",
  startTimeMs: 0,
  isLivenessFrozen: false,
  proxies,
});
const statusPath = "GET /apis/weft.dev/v1alpha1/status";

describe("get", () => {
  test("prints a table, names, or a list for programs", async () => {
    await using server = fakeServer(services);
    const table = await weft(server, "get", "svc");
    expect(table.code).toBe(0);
    expect(table.out.split("\n").map((line) => line.split(/\s+/)[0])).toEqual([
      "NAME",
      "reviews",
      "ratings",
      "",
    ]);
    expect((await weft(server, "get", "svc", "-o", "name")).out).toBe("service/reviews\nservice/ratings\n");
    expect(JSON.parse((await weft(server, "get", "svc", "-o", "json")).out)).toMatchObject({
      kind: "ServiceList",
      items: [{ metadata: { name: "reviews" } }, { metadata: { name: "ratings" } }],
    });
    expect(server.asked[0]).toMatchObject({ authorization: "Bearer secret" });
  });

  test.each([[["svc", "reviews"]], [["svc/reviews"]], [["Service", "reviews"]]])(
    "%p is one object",
    async (args) => {
      await using server = fakeServer(services);
      expect((await weft(server, "get", ...args, "-o", "yaml")).out).toContain("name: reviews\n");
    },
  );

  test("asks for the namespace, the labels, or everything", async () => {
    await using server = fakeServer({});
    await weft(server, "get", "svc", "-n", "shop", "-l", "app=x");
    await weft(server, "get", "svc", "-A");
    await weft(server, "get", "gatewayclass");
    expect(server.asked.map(({ path }) => path)).toEqual([
      "/api/v1/namespaces/shop/services?labelSelector=app%3Dx",
      "/api/v1/services",
      "/apis/gateway.networking.k8s.io/v1/gatewayclasses",
    ]);
  });

  test("says that there is none on stderr, where no program reads", async () => {
    await using server = fakeServer({
      "GET /api/v1/namespaces/default/services": {
        kind: "ServiceList",
        apiVersion: "v1",
        metadata: { resourceVersion: "1" },
        items: [],
      },
    });
    expect(await weft(server, "get", "svc")).toEqual({
      code: 0,
      out: "",
      err: "no services in namespace default\n",
    });
  });

  test("exits 1 for what is not there, 64 for a kind that nobody knows, 69 for nobody there", async () => {
    await using server = fakeServer(services);
    expect((await weft(server, "get", "svc", "nope")).code).toBe(1);
    const unknown = await weft(server, "get", "gizmo");
    expect([unknown.code, unknown.err]).toEqual([64, expect.stringContaining('there is no kind "gizmo"')]);
    const gone = await weft({ url: "http://127.0.0.1:1" }, "get", "svc");
    expect([gone.code, gone.err]).toEqual([69, expect.stringContaining("is it running?")]);
    expect((await weft({ url: "nonsense" }, "get", "svc")).code).toBe(64);
  });
});

describe("apply", () => {
  test("sends everything as one transaction, with the namespace of the command line", async () => {
    await using server = fakeServer({ [transactions]: created });
    const path = file("a.yaml", configMap);
    const result = await weft(server, "apply", "-f", path, "-n", "shop", "-m", "why not");
    expect(result).toEqual({ code: 0, out: "configmap/a (shop) created\n", err: "revision 4\n" });
    expect(server.asked[0]?.body).toMatchObject({
      message: "why not",
      author: expect.stringMatching(/^ann@/),
      dryRun: false,
      objects: [{ kind: "ConfigMap", metadata: { name: "a", namespace: "shop" } }],
    });
  });

  test("reads a folder's files in order and not its subfolders", async () => {
    await using server = fakeServer({ [transactions]: created });
    const dir = join(folder, "dir");
    mkdirSync(join(dir, "moves"), { recursive: true });
    for (const [name, object] of [
      ["b.yaml", "b"],
      ["a.json", "a"],
      ["moves/c.yaml", "c"],
      ["notes.txt", "d"],
    ] as const) {
      writeFileSync(
        join(dir, name),
        JSON.stringify({ apiVersion: "v1", kind: "ConfigMap", metadata: { name: object } }),
      );
    }
    await weft(server, "apply", "-f", dir);
    expect(server.asked[0]?.body).toMatchObject({
      objects: [{ metadata: { name: "a" } }, { metadata: { name: "b" } }],
    });
  });

  test("reports every problem of every file with its place, exits 65 and sends nothing", async () => {
    await using server = fakeServer({});
    const one = file("one.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata: { name: a }\ndatas: {}\n");
    const two = file("two.yaml", "apiVersion: v1\nkind: Gizmo\nmetadata: { name: a }\n");
    const { code, err } = await weft(server, "apply", "-f", one, "-f", two);
    expect(code).toBe(65);
    expect(err.trimEnd().split("\n")).toEqual([
      expect.stringContaining(`${one}:4: datas: `),
      expect.stringContaining(`${two}:2: kind: unknown kind Gizmo`),
    ]);
    expect(server.asked).toEqual([]);
  });

  test("with --skip-unknown-kinds sends the rest, and says what it left out", async () => {
    await using server = fakeServer({ [transactions]: created });
    const gizmo = file("gizmo.yaml", `apiVersion: v1\nkind: Gizmo\nmetadata: { name: g }\n---\n${configMap}`);
    const { code, err } = await weft(server, "apply", "--skip-unknown-kinds", "-f", gizmo);
    expect([code, err]).toEqual([0, expect.stringContaining(`${gizmo}:1: skipped Gizmo g (v1)`)]);
    expect(server.asked[0]?.body).toMatchObject({ objects: [{ kind: "ConfigMap" }] });
  });

  test("gives what the server refuses its place in the file", async () => {
    const refusal = failure(422, "Invalid", "no", ["objects[1].data.k"]);
    await using server = fakeServer({ [transactions]: refusal });
    const path = file("two.yaml", `${configMap}---\n${configMap.replace("name: a", "name: b")}`);
    const { code, err } = await weft(server, "apply", "-f", path);
    expect([code, err]).toEqual([65, `${path}:9: data.k: objects[1].data.k is wrong\n`]);
  });

  test("with --wait returns when the last proxy has it, and not before", async () => {
    const answers = [
      status(proxy("a", 4), proxy("b", 3)),
      status(proxy("a", 4), proxy("b", 4), proxy("gone", 1, { connected: false })),
    ];
    let asked = 0;
    await using server = fakeServer({ [transactions]: created, [statusPath]: () => answers[asked++] ?? {} });
    expect((await weft(server, "apply", "--wait", "-f", file("a.yaml", configMap))).code).toBe(0);
    expect(asked).toBe(2);
  });

  test("with --wait exits 1 when the time is over, and names who is behind", async () => {
    await using server = fakeServer({
      [transactions]: created,
      [statusPath]: status(proxy("a", 4), proxy("b", 3)),
    });
    const { code, err } = await weft(
      server,
      "apply",
      "--wait",
      "--timeout",
      "1ms",
      "-f",
      file("a.yaml", configMap),
    );
    expect([code, err]).toEqual([1, expect.stringContaining("revision 4 is not on b after 0.001 s")]);
  });

  test("a file that is not there is one line", async () => {
    await using server = fakeServer({});
    const { code, err } = await weft(server, "apply", "-f", join(folder, "nope.yaml"));
    expect([code, err]).toEqual([65, `weft: ${join(folder, "nope.yaml")} does not exist\n`]);
  });
});

describe("delete", () => {
  test("with --wait returns when no proxy runs it any more", async () => {
    const answers = [status(proxy("a", 4)), status(proxy("a", 5))];
    let asked = 0;
    await using server = fakeServer({
      [transactions]: { revision: 5, results: [] },
      [statusPath]: () => answers[asked++] ?? {},
    });
    expect((await weft(server, "delete", "svc", "a", "--wait")).code).toBe(0);
    expect(asked).toBe(2);
  });

  test("by name, by short form and by file, as one transaction", async () => {
    await using server = fakeServer({ [transactions]: { revision: 5, results: [] } });
    await weft(server, "delete", "svc", "a", "b", "-n", "shop");
    await weft(server, "delete", "svc/a", "gatewayclass/c");
    await weft(server, "delete", "-f", file("a.yaml", configMap));
    expect(server.asked.map(({ body }) => body)).toMatchObject([
      {
        deletions: [
          { kind: "Service", namespace: "shop", name: "a" },
          { kind: "Service", namespace: "shop", name: "b" },
        ],
      },
      {
        deletions: [
          { kind: "Service", namespace: "default", name: "a" },
          { kind: "GatewayClass", name: "c" },
        ],
      },
      { deletions: [{ kind: "ConfigMap", namespace: "default", name: "a" }] },
    ]);
  });

  test.each([[[]], [["svc"]]])("with %p asks what is meant", async (args) => {
    await using server = fakeServer({});
    expect((await weft(server, "delete", ...args)).code).toBe(64);
    expect(server.asked).toEqual([]);
  });
});

describe("describe request", () => {
  const refusal = {
    requestId: "abc",
    timeMs: 0,
    proxy: "default/echo-1",
    reason: "authorization_denied",
    policy: "AuthorizationPolicy default/no-admin",
    rule: "rules[0]",
    detail: "rules[0] of the deny policy matches",
    fix: "change its paths",
    sourceIdentity: "spiffe://abc.weft/ns/default/sa/web",
    sourceAddress: "10.77.0.9",
    remoteAddress: "192.0.2.7",
    service: "default/echo",
    destination: "default/echo-1",
    port: 8080,
    protocol: "http",
    method: "GET",
    authority: "echo",
    path: "/admin\u001b[31m",
  };

  test("names policy, rule and fix, and prints nothing that drives a terminal", async () => {
    await using server = fakeServer({ "GET /apis/weft.dev/v1alpha1/refusals": { items: [refusal] } });
    const { code, out } = await weft(server, "describe", "request", "abc");
    expect(code).toBe(0);
    expect(server.asked[0]?.path).toEndWith("refusals?request=abc");
    for (const line of [
      /^policy +AuthorizationPolicy default\/no-admin$/m,
      /^rule +rules\[0\]$/m,
      /^fix +change its paths$/m,
      /^client +192\.0\.2\.7$/m,
      /^to +default\/echo-1 port 8080, called as default\/echo$/m,
    ]) {
      expect(out).toMatch(line);
    }
    expect(out).not.toContain("\u001b[31m");
  });

  test("says so where nothing is remembered", async () => {
    await using server = fakeServer({ "GET /apis/weft.dev/v1alpha1/refusals": { items: [] } });
    const { code, err } = await weft(server, "describe", "request", "xyz");
    expect(code).not.toBe(0);
    expect(err).toContain("no refusal of request xyz is remembered");
    expect((await weft(server, "describe", "request")).code).toBe(64);
  });
});

describe("status and check", () => {
  test("status counts the proxies that run the newest revision", async () => {
    await using server = fakeServer({
      [statusPath]: status(proxy("a", 4), proxy("b", 3), proxy("c", 1, { connected: false })),
    });
    const { out } = await weft(server, "status");
    expect(out).toContain("revision 4 runs on 1 of 2 connected proxies");
    expect(out).toMatch(/^b +sidecar +behind +3$/m);
    expect(out).toMatch(/^c +sidecar +gone +1$/m);
  });

  test("check exits 1 and says what is wrong", async () => {
    const empty = (kind: string) => ({
      kind: `${kind}List`,
      apiVersion: "gateway.networking.k8s.io/v1",
      metadata: { resourceVersion: "1" },
      items: [],
    });
    await using server = fakeServer({
      [statusPath]: status(proxy("a", 4)),
      "GET /apis/weft.dev/v1alpha1/findings": {
        items: [
          {
            code: "slow-endpoint",
            level: "bad",
            message: "default/web-1 of default/web is slow\u001b[2J",
            fix: "look at that workload",
            about: { kind: "MeshWorkload", namespace: "default", name: "web-1" },
          },
          {
            code: "unused-route",
            level: "note",
            message: "HTTPRoute default/old took no request",
            fix: "delete it",
          },
          {
            code: "proxies-current",
            level: "ok",
            message: "1 of 1 connected proxies run revision 4",
            fix: "",
          },
        ],
      },
      "GET /apis/gateway.networking.k8s.io/v1/gatewayclasses": empty("GatewayClass"),
      "GET /apis/gateway.networking.k8s.io/v1/namespaces/default/gateways": empty("Gateway"),
      "GET /apis/gateway.networking.k8s.io/v1/namespaces/default/httproutes": empty("HTTPRoute"),
      "GET /apis/gateway.networking.k8s.io/v1/namespaces/default/grpcroutes": empty("GRPCRoute"),
      "GET /apis/gateway.networking.k8s.io/v1/namespaces/default/backendtlspolicies":
        empty("BackendTLSPolicy"),
      "GET /apis/weft.dev/v1alpha1/namespaces/default/trafficpolicies": empty("TrafficPolicy"),
      "GET /apis/weft.dev/v1alpha1/namespaces/default/faultpolicies": empty("FaultPolicy"),
      "GET /apis/weft.dev/v1alpha1/namespaces/default/authenticationpolicies": empty("AuthenticationPolicy"),
      "GET /apis/weft.dev/v1alpha1/namespaces/default/authorizationpolicies": empty("AuthorizationPolicy"),
      "GET /apis/weft.dev/v1alpha1/namespaces/default/ratelimitpolicies": empty("RateLimitPolicy"),
      "GET /apis/weft.dev/v1alpha1/namespaces/default/telemetrypolicies": empty("TelemetryPolicy"),
      "GET /apis/gateway.networking.k8s.io/v1/namespaces/default/tlsroutes": empty("TLSRoute"),
      "GET /apis/gateway.networking.k8s.io/v1/namespaces/default/tcproutes": empty("TCPRoute"),
      "GET /apis/gateway.networking.k8s.io/v1/namespaces/default/udproutes": empty("UDPRoute"),
      "GET /apis/gateway.networking.k8s.io/v1/namespaces/default/listenersets": empty("ListenerSet"),
    });
    const { code, out } = await weft(server, "check");
    expect(code).toBe(1);
    expect(out).toContain("bad  default/web-1 of default/web is slow\\x1b[2J\n     look at that workload\n");
    expect(out).toContain("note HTTPRoute default/old took no request\n     delete it\n");
    expect(out).toContain("ok   1 of 1 connected proxies run revision 4\n");
    expect(server.asked.map(({ path }) => path)).toContain(
      "/apis/weft.dev/v1alpha1/findings?namespace=default",
    );
  });
});
