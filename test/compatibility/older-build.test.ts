/** A control plane of now with proxies of an earlier build, and the other way round: routes, identities, policy and telemetry hold. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { BareMesh, unusedPort } from "../e2e/harness/bare-mesh.ts";
import { eventually } from "../e2e/harness/eventually.ts";
import { weftProgram } from "../e2e/harness/mesh.ts";
import { httpPort } from "../e2e/harness/resources.ts";
import { resources } from "./resources.ts";

const timeoutMs = 120_000;
const stored = join(import.meta.dir, "builds/292a9ee.js.zst");
const folder = mkdtempSync(join(tmpdir(), "weft-older-"));
const older = [process.execPath, "--no-env-file", "--no-install", join(folder, "weft.js")];
const current = [weftProgram];
let web: Bun.Server<undefined>;

beforeAll(() => {
  writeFileSync(join(folder, "weft.js"), Bun.zstdDecompressSync(readFileSync(stored)));
  web = Bun.serve({ hostname: "127.0.0.1", port: 0, fetch: () => new Response("here") });
});

afterAll(async () => {
  await web.stop(true);
  rmSync(folder, { recursive: true, force: true });
});

async function statusOf(url: string): Promise<number> {
  const response = await fetch(url);
  await response.arrayBuffer();
  return response.status;
}

describe.each([
  { control: "older", proxies: "current" },
  { control: "current", proxies: "older" },
] as const)("a control plane of the $control build with proxies of the $proxies one", (builds) => {
  const programs = { older, current };

  test(
    "carries requests over mutual TLS, denies by policy, follows a change and counts",
    async () => {
      const [gatewayPort, outboundPort] = [unusedPort(), unusedPort()];
      await using mesh = await BareMesh.start(
        resources(web.port ?? 0, gatewayPort),
        programs[builds.control],
      );
      mesh.program = programs[builds.proxies];
      const workload = {
        ...{ namespace: "default", serviceAccount: "default", region: "", zone: "", name: "web" },
        labels: { app: "web" },
        addresses: [`${mesh.network}.2`],
        ports: [{ port: web.port ?? 0, name: "http", protocol: "http" }],
      };
      await mesh.startProxy("web", 2, { workload });
      const place = { address: "127.0.0.1", port: outboundPort };
      const outbound = [{ ...place, service: "default/web", servicePort: httpPort }];
      const caller = await mesh.startProxy("caller", 3, { capture: { kind: "explicit", outbound } });
      await mesh.startProxy("door", 4, {
        role: "gateway",
        gateway: { kind: "tcp", address: "127.0.0.1" },
      });
      for (const port of [gatewayPort, outboundPort]) {
        await eventually(async () => expect(await statusOf(`http://127.0.0.1:${port}/`)).toBe(200));
        expect(await statusOf(`http://127.0.0.1:${port}/secret`)).toBe(403);
      }
      const page = await (await fetch(`${caller.adminUrl}/metrics`)).text();
      expect(page).toMatch(/weft_connections_accepted_total\{[^}]*outbound[^}]*\} [1-9]/);
      const { proxies } = await mesh.client.status();
      expect(proxies.filter(({ connected }) => connected)).toHaveLength(3);
      for (const { identity } of proxies) expect(identity).toStartWith("spiffe://");
      // A change that comes while they run, and one back.
      const redirect = [
        {
          type: "RequestRedirect",
          requestRedirect: { path: { type: "ReplaceFullPath", replaceFullPath: "/new" } },
        },
      ];
      const moved = {
        apiVersion: "gateway.networking.k8s.io/v1",
        kind: "HTTPRoute",
        metadata: { name: "moved", namespace: "default" },
        spec: {
          parentRefs: [{ group: "", kind: "Service", name: "web", port: httpPort }],
          rules: [
            { matches: [{ path: { value: "/old" } }], filters: redirect },
            { backendRefs: [{ name: "web", port: httpPort }] },
          ],
        },
      };
      await mesh.apply(moved);
      const old = `http://127.0.0.1:${outboundPort}/old`;
      await eventually(async () => {
        const response = await fetch(old, { redirect: "manual" });
        expect([response.status, response.headers.get("location")]).toEqual([
          302,
          expect.stringContaining("/new"),
        ]);
      });
      await mesh.client.delete("HTTPRoute", { namespace: "default", name: "moved" });
      await eventually(async () => expect(await statusOf(old)).toBe(200));
      // Golden signals reach the control plane.
      await eventually(async () => {
        const topology = await mesh.client.topology(60);
        expect(JSON.stringify(topology)).toContain("default/web");
      });
    },
    timeoutMs,
  );
});
