/**
 * A proxy of a build that does not know all that the control plane's does: it is of now, but its RE2 is of before 2023 and knows no
 * `(?<name>…)`. It refuses a route, goes on with the one before, and everybody who asks is told.
 */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { join } from "node:path";
import { BareMesh, type BareProxy, unusedPort } from "./harness/bare-mesh.ts";
import { eventually } from "./harness/eventually.ts";
import { root, weftProgram } from "./harness/mesh.ts";
import { httpPort, yaml } from "./harness/resources.ts";
import { runWeft } from "./harness/weft.ts";

const timeoutMs = 120_000;
const services = ["web", "shop"] as const;
type Service = (typeof services)[number];
const resource = "Outbound default/web:9080@default";
const expression = "/(?<what>asked)";
const why = `"${expression}" is no RE2 expression: invalid or unsupported Perl syntax: \`(?<\``;

let mesh: BareMesh;
let current: Caller;
let older: Caller;

interface Caller {
  readonly proxy: BareProxy;
  readonly ports: Readonly<Record<Service, number>>;
}

beforeAll(async () => {
  mesh = await BareMesh.start(
    services.flatMap((name) => [service(name), route(name, { value: "/asked" }, `/${name}-1`)]),
  );
  current = await startCaller("current", 2, [weftProgram]);
  older = await startCaller("older", 3, await buildOlder(mesh.directory));
  for (const caller of [current, older])
    for (const name of services)
      await eventually(async () => expect(await sentTo(caller, name)).toBe(`/${name}-1`));
}, timeoutMs);

afterAll(() => mesh[Symbol.asyncDispose](), timeoutMs);

/** Of the sources as they are, but for what that engine does not read. */
async function buildOlder(folder: string): Promise<readonly string[]> {
  let patched = 0;
  const call = "engine().compile(expression)";
  const olderEngine: Bun.BunPlugin = {
    name: "an older RE2",
    setup(build) {
      build.onLoad({ filter: /\/src\/decide\/pattern\.ts$/ }, async ({ path }) => {
        const text = await Bun.file(path).text();
        patched += text.split(call).length - 1;
        const refusal = "throw new Error('invalid or unsupported Perl syntax: `(?<`')";
        const contents = text.replace(
          `return ${call}`,
          `if (expression.includes("(?<")) ${refusal}; return ${call}`,
        );
        return { contents, loader: "ts" };
      });
    },
  };
  const entry = join(root, "src/cli/proxy-program.ts");
  const built = await Bun.build({
    entrypoints: [entry],
    target: "bun",
    plugins: [olderEngine],
    outdir: folder,
  });
  if (!built.success || patched !== 1) throw new AggregateError(built.logs, "no older build could be made");
  return [process.execPath, "--no-env-file", "--no-install", join(folder, "proxy-program.js")];
}

async function startCaller(name: string, host: number, program: readonly string[]): Promise<Caller> {
  const ports = { web: unusedPort(), shop: unusedPort() };
  const outbound = services.map((each) => ({
    ...{ address: "127.0.0.1", port: ports[each], service: `default/${each}`, servicePort: httpPort },
  }));
  mesh.program = program;
  return { ports, proxy: await mesh.startProxy(name, host, { capture: { kind: "explicit", outbound } }) };
}

function service(name: string): object {
  return {
    apiVersion: "v1",
    kind: "Service",
    metadata: { name, namespace: "default" },
    spec: { ports: [{ port: httpPort, appProtocol: "http" }] },
  };
}

function route(name: Service, path: { readonly type?: string; readonly value: string }, to: string): object {
  const redirect = { path: { type: "ReplaceFullPath", replaceFullPath: to } };
  return {
    apiVersion: "gateway.networking.k8s.io/v1",
    kind: "HTTPRoute",
    metadata: { name, namespace: "default" },
    spec: {
      parentRefs: [{ group: "", kind: "Service", name, port: httpPort }],
      rules: [{ matches: [{ path }], filters: [{ type: "RequestRedirect", requestRedirect: redirect }] }],
    },
  };
}

const byPattern = (value: string) => ({ type: "RegularExpression", value });

async function sentTo({ ports }: Caller, name: Service): Promise<string> {
  const response = await fetch(`http://127.0.0.1:${ports[name]}/asked`, { redirect: "manual" });
  await response.arrayBuffer();
  return new URL(response.headers.get("location") ?? "http://nowhere").pathname;
}

function weft(args: readonly string[], stdin?: string) {
  const env = { WEFT_SERVER: mesh.access.server, WEFT_TOKEN: mesh.access.token };
  return runWeft(args, { env, ...(stdin === undefined ? {} : { stdin }) });
}

const apply = (...objects: readonly object[]) => weft(["apply", "-f", "-", "--wait"], yaml(...objects));

/** Undefined: no condition says that it is not. */
async function inForce(): Promise<string | undefined> {
  const { stdout } = await weft(["get", "httproute", "web", "-o", "json"]);
  const condition =
    /"type": "weft.dev\/InForce",\s+"status": "(?<status>\w+)",\s+"reason": "(?<reason>\w+)",\s+"message": "(?<message>(?:[^"\\]|\\.)*)"/;
  const found = condition.exec(stdout)?.groups;
  return found === undefined ? undefined : `${found["status"]} ${found["reason"]} ${found["message"]}`;
}

async function refusing(): Promise<string | undefined> {
  const headers = { authorization: `Bearer ${mesh.access.token}` };
  const page = await (await fetch(`${mesh.access.server}/metrics`, { headers })).text();
  return /^weft_control_proxies_refusing (?<count>\d+)$/m.exec(page)?.groups?.["count"];
}

test(
  "keeps the route that it has, takes all else, and is named by apply --wait, check, status and metrics",
  async () => {
    const bad = await apply(
      route("web", byPattern(expression), "/web-2"),
      route("shop", { value: "/asked" }, "/shop-2"),
    );
    expect(bad.code).toBe(1);
    expect(bad.stderr).toContain(`weft: default/older refuses ${resource} and keeps what it had: ${why}\n`);
    expect(await sentTo(current, "web")).toBe("/web-2");
    expect(await sentTo(older, "web")).toBe("/web-1");
    expect(await sentTo(older, "shop")).toBe("/shop-2");

    const message = `proxy default/older refuses ${resource}, which is made of this: ${why}; what was there before stays in force there`;
    await eventually(async () =>
      expect(await inForce()).toBe(`False RefusedByProxy ${JSON.stringify(message).slice(1, -1)}`),
    );
    expect(await refusing()).toBe("1");
    const check = await weft(["check"]);
    expect(check.code).toBe(1);
    expect(check.stdout).toContain(`default/older refuses ${resource}, made of HTTPRoute default/web`);

    const good = await apply(route("web", byPattern("/(?P<what>asked)"), "/web-3"));
    expect({ code: good.code, stderr: good.stderr }).toEqual({
      code: 0,
      stderr: expect.stringMatching(/^revision \d+\n$/),
    });
    for (const caller of [current, older]) expect(await sentTo(caller, "web")).toBe("/web-3");
    await eventually(async () => expect(await inForce()).toBeUndefined());
    expect(await refusing()).toBe("0");
    expect((await weft(["check"])).stdout).not.toContain("refuses");
    expect(older.proxy.process.stderr).toContain(why.replaceAll('"', '\\"'));
  },
  timeoutMs,
);
