/** Rollouts from outside: over the API, who may, what is refused, what is held; on the command line; and over a restart of the control plane. */
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join as joinPath } from "node:path";
import { runCommandLine } from "../../src/cli/command-line.ts";
import { recordOutput } from "../../src/cli/testing/record-output.ts";
import { ApiClient } from "../../src/client/index.ts";
import { silentLog } from "../../src/kernel/index.ts";
import { type RunningControl, startControl } from "../../src/control/index.ts";
import { clientOf, join, TestProxy } from "../../src/control/test/test-proxy.ts";

const loopback = { address: "127.0.0.1", port: 0 };
const mesh = "/apis/weft.dev/v1alpha1";
const routes = "/apis/gateway.networking.k8s.io/v1/namespaces/default/httproutes";
const people = { ann: "ann-token-0123456789", bob: "bob-token-0123456789" };
const outbound = "Outbound default/web:80@default";

let folder = "";
let control: RunningControl;
const closers: (() => void)[] = [];

beforeEach(async () => {
  folder = mkdtempSync(joinPath(tmpdir(), "weft-rollout-"));
  const lines = [`${people.ann},ann,1`, `${people.bob},bob,2`];
  writeFileSync(joinPath(folder, "tokens.csv"), `${lines.join("\n")}\n`, { mode: 0o600 });
  await start();
  const { status, body } = await call("POST", `${mesh}/transactions`, {
    objects: [
      { apiVersion: "v1", kind: "ServiceAccount", metadata: { name: "web" } },
      { apiVersion: "v1", kind: "Namespace", metadata: { name: "other" } },
      service("web"),
      route("web", "base"),
      binding("edit", "ann"),
      binding("view", "bob"),
    ],
  });
  expect([status, body.message]).toEqual([200, undefined]);
});

afterEach(async () => {
  await stop();
  rmSync(folder, { recursive: true, force: true });
});

async function start(): Promise<void> {
  control = await startControl({
    dataDir: joinPath(folder, "data"),
    apiTokenFile: joinPath(folder, "tokens.csv"),
    ...{ api: loopback, ads: loopback, log: silentLog, version: "test" },
  });
}

async function stop(): Promise<void> {
  for (const close of closers.splice(0)) close();
  await control.drain();
}

const service = (name: string) => ({
  apiVersion: "v1",
  kind: "Service",
  metadata: { name },
  spec: { selector: { app: name }, ports: [{ port: 80 }] },
});
const route = (name: string, value: string, matches: readonly object[] = []) => ({
  apiVersion: "gateway.networking.k8s.io/v1",
  kind: "HTTPRoute",
  metadata: { name, namespace: "default" },
  spec: {
    parentRefs: [{ group: "", kind: "Service", name: "web" }],
    rules: [
      {
        ...(matches.length === 0 ? {} : { matches }),
        filters: [
          { type: "RequestHeaderModifier", requestHeaderModifier: { set: [{ name: "x-a", value }] } },
        ],
        backendRefs: [{ name: "web", port: 80 }],
      },
    ],
  },
});
const binding = (role: string, user: string) => ({
  apiVersion: "rbac.authorization.k8s.io/v1",
  kind: "ClusterRoleBinding",
  metadata: { name: `${user}-${role}` },
  subjects: [{ kind: "User", apiGroup: "rbac.authorization.k8s.io", name: user }],
  roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "ClusterRole", name: role },
});

const rootToken = (): string => readFileSync(control.tokenFile, "utf8").trim();

// oxlint-disable-next-line no-explicit-any -- what the wire says is what these tests are about
type Answer = { readonly status: number; readonly body: any };

async function call(
  method: string,
  path: string,
  body?: unknown,
  token: string = rootToken(),
): Promise<Answer> {
  const response = await fetch(`${control.apiUrl}${path}`, {
    method,
    headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
    ...(body === undefined ? {} : { body: typeof body === "string" ? body : JSON.stringify(body) }),
  });
  return { status: response.status, body: await response.json() };
}

const begin = (token?: string, more: object = {}): Promise<Answer> =>
  call("POST", `${mesh}/rollouts`, { objects: [route("web", "tried")], steps: [10], ...more }, token);
const end = (name: string, what: string, token?: string): Promise<Answer> =>
  call("POST", `${mesh}/rollouts/${name}/${what}`, undefined, token);

async function newest(): Promise<{
  readonly metadata: { name: string };
  readonly status: { phase: string; reason: string };
}> {
  return (await call("GET", `${mesh}/rollouts`)).body.items[0];
}

async function connect(): Promise<TestProxy> {
  const api = new ApiClient({ server: control.apiUrl, token: rootToken() });
  const token = await api.createJoinToken({ namespace: "default", serviceAccount: "web" });
  const client = clientOf(control, await join(control, "default/web-1", token));
  const proxy = new TestProxy(client, "default/web-1");
  closers.push(() => {
    proxy.close();
    client.close();
  });
  proxy.subscribe("Outbound", "default/web:80@default");
  await proxy.until(() => proxy.resources.has(outbound));
  return proxy;
}

const has = (proxy: TestProxy, value: string): boolean =>
  Buffer.from(proxy.resources.get(outbound) ?? [])
    .toString("latin1")
    .includes(value);

describe("rights", () => {
  test("whoever may write the objects may begin and end; whoever reads sees figures, and no object", async () => {
    expect((await begin(people.bob)).status).toBe(403);
    expect((await begin("nobody-0123456789")).status).toBe(401);
    expect((await call("GET", `${mesh}/rollouts`)).body.items).toEqual([]);
    const { status, body } = await begin(people.ann, { author: "somebody else" });
    expect([status, body.name]).toEqual([200, "canary-1"]);
    const seen = await call("GET", `${mesh}/rollouts`, undefined, people.bob);
    expect(seen.status).toBe(200);
    expect(seen.body.items[0]).toMatchObject({
      metadata: { name: "canary-1" },
      status: { phase: "Watching" },
    });
    expect(seen.body.items[0].spec.objects).toEqual([]);
    for (const what of ["promote", "abort"])
      expect((await end("canary-1", what, people.bob)).status).toBe(403);
    expect((await newest()).status.phase).toBe("Watching");
    expect((await end("canary-1", "abort", people.ann)).status).toBe(200);
    expect((await newest()).status).toMatchObject({ phase: "Aborted", reason: "aborted by ann" });
  }, 60_000);
});

describe("bad input", () => {
  const broken = [{ path: { type: "RegularExpression", value: "/(?=x" } }];
  test.each<[string, object | string, number, string]>([
    ["no JSON", "{", 400, ""],
    ["no object", { objects: [], steps: [10] }, 422, "objects"],
    ["no step", { objects: [route("web", "x")], steps: [] }, 422, "steps"],
    ["a step of everybody", { objects: [route("web", "x")], steps: [100] }, 422, "steps[0]"],
    ["a step of nobody", { objects: [route("web", "x")], steps: [0] }, 422, "steps[0]"],
    ["steps that do not grow", { objects: [route("web", "x")], steps: [20, 10] }, 422, "steps must grow"],
    ["no time", { objects: [route("web", "x")], steps: [10], watchSeconds: 0 }, 422, "watchSeconds"],
    ["an unknown field", { objects: [route("web", "x")], steps: [10], stepz: 1 }, 422, "stepz"],
    ["an object that is none", { objects: [7], steps: [10] }, 422, "objects[0]"],
    [
      "a field that there is not",
      { objects: [{ ...route("web", "x"), sepc: 1 }], steps: [10] },
      422,
      "objects[0].sepc",
    ],
    ["a kind of which both ends see", { objects: [service("web")], steps: [10] }, 422, "objects[0].kind"],
    ["what would be quarantined", { objects: [route("web", "x", broken)], steps: [10] }, 422, "objects[0]"],
    [
      "a namespace that there is not",
      { objects: [{ ...route("web", "x"), metadata: { name: "web", namespace: "no" } }], steps: [10] },
      422,
      "objects[0].metadata.namespace",
    ],
  ])("%s is refused, and nothing is begun", async (_, body, status, says) => {
    const answer = await call("POST", `${mesh}/rollouts`, body);
    expect([answer.status, JSON.stringify(answer.body)]).toEqual([status, expect.stringContaining(says)]);
    expect((await call("GET", `${mesh}/rollouts`)).body.items).toEqual([]);
  });

  test("what changes nothing begins nothing", async () => {
    const { status, body } = await begin(undefined, { objects: [route("web", "base")] });
    expect([status, body.name, body.results[0].outcome]).toEqual([200, undefined, "unchanged"]);
    expect((await call("GET", `${mesh}/rollouts`)).body.items).toEqual([]);
  });

  test.each([
    ["DELETE", "/rollouts", 405],
    ["GET", "/rollouts/canary-1/promote", 405],
    ["POST", "/rollouts/canary-1/promote", 404],
    ["POST", "/rollouts/canary-1/abort", 404],
    ["POST", "/rollouts/canary-1/other", 404],
  ])("%s %s is %d", async (method, path, status) => {
    expect((await call(method, `${mesh}${path}`)).status).toBe(status);
  });
});

describe("what is tried out is held", () => {
  test("against every kind of write, whole, until it has ended; the rest passes", async () => {
    expect((await begin()).body.name).toBe("canary-1");
    const held = /canary-1/;
    const apply = (...objects: object[]): Promise<Answer> =>
      call("POST", `${mesh}/transactions`, { objects });
    const refused = [
      await apply(route("web", "mine")),
      await apply(route("beside", "x"), route("web", "mine")),
      await call("POST", `${mesh}/transactions`, {
        deletions: [{ kind: "HTTPRoute", namespace: "default", name: "web" }],
      }),
      await call("PUT", `${routes}/web`, route("web", "mine")),
      await call("DELETE", `${routes}/web`),
      await begin(),
    ];
    for (const { status, body } of refused) {
      expect([status, body.message]).toEqual([409, expect.stringMatching(held)]);
    }
    expect((await call("GET", `${routes}/beside`)).status).toBe(404);
    const { metadata } = (await call("GET", `${routes}/web`)).body;
    expect(metadata.generation).toBe(1);
    // Its own record is nobody's to write.
    const record = { apiVersion: "weft.dev/v1alpha1", kind: "ConfigRollout", metadata: { name: "canary-1" } };
    expect((await apply({ ...record, spec: {}, status: {} })).status).toBeGreaterThanOrEqual(400);
    expect((await newest()).status.phase).toBe("Watching");

    expect((await apply(route("beside", "x"))).status).toBe(200);
    expect((await apply(route("web", "base"))).status).toBe(200);
    expect((await end("canary-1", "abort")).status).toBe(200);
    expect((await apply(route("web", "mine"))).status).toBe(200);
    expect((await end("canary-1", "abort")).status).toBe(404);
  }, 60_000);
});

describe("on the command line", () => {
  async function weft(...args: readonly string[]) {
    const recorded = recordOutput();
    const env = {
      ...{ WEFT_SERVER: control.apiUrl, WEFT_TOKEN: rootToken(), USER: "ann" },
      WEFT_RUNTIME_DIR: joinPath(folder, "run"),
    };
    const code = await runCommandLine(args, { output: recorded.output, env });
    return { code, out: recorded.out(), err: recorded.err() };
  }
  const file = (value: string): string => {
    const path = joinPath(folder, "route.yaml");
    writeFileSync(path, JSON.stringify(route("web", value)));
    return path;
  };

  test("apply --canary begins one, status and list tell of it, promote makes it a revision that says what it was", async () => {
    const proxy = await connect();
    const begun = await weft(
      "apply",
      "-f",
      file("tried"),
      "--canary",
      "10%",
      "--canary-watch",
      "1h",
      "-m",
      "faster",
    );
    expect(begun).toMatchObject({
      code: 0,
      out: "httproute/web configured (canary)\n",
      err: expect.stringContaining("canary-1 is tried out on 10% of the proxies that it concerns"),
    });
    await proxy.until(() => has(proxy, "tried"));
    const status = await weft("rollout", "status");
    expect(status.out).toContain("canary-1  Watching\n");
    for (const line of [
      "Share:    10% (step 1 of 1), 1 proxies have it",
      "Author:   ann",
      "Message:  faster",
    ])
      expect(status.out).toContain(line);
    expect(status.out).toContain("Object:   HTTPRoute default/web (configured)");
    expect(JSON.parse((await weft("rollout", "status", "canary-1", "-o", "json")).out)).toMatchObject({
      metadata: { name: "canary-1" },
      spec: { steps: [10], watchSeconds: 3_600 },
    });
    expect((await weft("rollout", "list")).out).toMatch(/^NAME .*\ncanary-1 +Watching /);
    const conflicting = await weft("apply", "-f", file("mine"));
    expect([conflicting.code, conflicting.err]).toEqual([
      1,
      expect.stringContaining("being tried out by canary-1"),
    ]);
    expect((await weft("rollout", "promote")).err).toMatch(/^canary-1 is revision \d+\n$/);
    const history = await weft("history", "-o", "json");
    expect(JSON.parse(history.out)[0] ?? JSON.parse(history.out).items[0]).toMatchObject({
      author: expect.stringMatching(/^ann@/),
      message: "faster (tried out as canary-1)",
    });
    expect((await weft("rollout", "promote")).code).toBe(1);
    expect((await weft("rollout", "status")).out).toContain("canary-1  Promoted\n");
  }, 60_000);

  test("abort takes it back", async () => {
    const proxy = await connect();
    await weft("apply", "-f", file("tried"), "--canary-steps", "10%,50%");
    await proxy.until(() => has(proxy, "tried"));
    expect((await weft("rollout", "abort", "canary-1")).err).toBe("canary-1 is aborted\n");
    await proxy.until(() => has(proxy, "base"));
    expect((await weft("rollout", "list", "-o", "name")).out).toBe("canary-1\n");
  }, 60_000);

  test.each<[readonly string[], number, string]>([
    [["rollout", "status"], 1, "nothing was tried out yet"],
    [["rollout", "abort"], 1, "nothing was tried out yet"],
    [["rollout", "promote", "canary-7"], 1, "there is no rollout canary-7"],
    [["rollout", "begin"], 64, "there is no action begin"],
    [["rollout"], 64, "action"],
    [["apply", "-f", "FILE", "--canary", "0%"], 64, "percentages from 1 to 99"],
    [["apply", "-f", "FILE", "--canary", "100%"], 64, "percentages from 1 to 99"],
    [["apply", "-f", "FILE", "--canary-steps", "50%,10%"], 64, "that grow"],
    [["apply", "-f", "FILE", "--canary", "10%", "--dry-run"], 64, "do not go together"],
    [["apply", "-f", "FILE", "--canary", "10%", "--canary-watch", "soon"], 64, "soon"],
  ])("%p says what is wrong", async (args, code, says) => {
    const answer = await weft(...args.map((each) => (each === "FILE" ? file("tried") : each)));
    expect([answer.code, answer.err]).toEqual([code, expect.stringContaining(says)]);
    expect((await call("GET", `${mesh}/rollouts`)).body.items).toEqual([]);
  });

  test("apply --canary of what is there already says so", async () => {
    const { code, err } = await weft("apply", "-f", file("base"), "--canary", "10%");
    expect([code, err]).toEqual([0, expect.stringContaining("nothing would change")]);
  });
});

test("a restart of the control plane in the middle goes on: who had it has it, it is held, and can be ended", async () => {
  const before = await connect();
  await begin();
  await before.until(() => has(before, "tried"));
  await stop();
  await start();
  const proxy = await connect();
  await proxy.until(() => has(proxy, "tried"));
  expect((await newest()).status.phase).toBe("Watching");
  const apply = await call("POST", `${mesh}/transactions`, { objects: [route("web", "mine")] });
  expect(apply.status).toBe(409);
  const { status, body } = await end("canary-1", "promote");
  expect(status).toBe(200);
  // It has it already: nothing is sent.
  const { proxies } = (await call("GET", `${mesh}/status`)).body;
  expect(proxies).toMatchObject([{ id: "default/web-1", revision: body.revision }]);
  expect(has(proxy, "tried")).toBe(true);
  expect((await call("GET", `${routes}/web`)).body.metadata.generation).toBe(2);
}, 60_000);
