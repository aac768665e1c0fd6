/**
 * The root changes under load, forth and back: aborted in each phase, then to its end. No request fails and no process is started
 * again. `WEFT_ROTATE_RATE` is how many requests come in a second.
 */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { CertificatesStatus, RotationStatus } from "../../src/api/index.ts";
import { eventually } from "./harness/eventually.ts";
import { processesWithMark } from "./harness/machine-state.ts";
import { startMesh, type TestMesh } from "./harness/mesh.ts";
import { countOutcomes, OpenLoopLoad } from "./harness/open-loop-load.ts";
import { gatewayTo, httpPort, program, testProgram, webProgram, yaml } from "./harness/resources.ts";

const requestsPerSecond = Number(process.env["WEFT_ROTATE_RATE"] ?? 500);
const timeoutMs = 120_000;

let mesh: TestMesh;

beforeAll(async () => {
  const front = program({
    name: "front",
    command: testProgram("front"),
    ports: [{ port: httpPort, protocol: "http" }],
    upstreams: [{ service: "web", port: httpPort }],
  });
  mesh = await startMesh({
    files: { "mesh.yaml": yaml(webProgram("v1"), webProgram("v2"), front, gatewayTo({ web: 1 })) },
  });
}, timeoutMs);

afterAll(async () => {
  await mesh[Symbol.asyncDispose]();
}, timeoutMs);

async function rotate(...options: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await mesh.weft("cert", "rotate-root", ...options);
  if (code !== 0) throw new Error(`rotate-root ${options.join(" ")} exited with ${code}: ${stderr}`);
  return `${stderr}${stdout}`;
}

async function rootsInUse(): Promise<readonly string[]> {
  const { certificates } = await mesh.weftJson<CertificatesStatus>("cert", "list");
  return [...new Set(certificates.filter(({ inUse }) => inUse).map(({ root }) => root))];
}

const publishedRoots = (): number =>
  readFileSync(join(mesh.dataDir, "root.pem"), "utf8").split("BEGIN CERTIFICATE").length - 1;

test(
  "a root is changed and the change aborted in every phase, while no request fails",
  async () => {
    await eventually(async () => {
      expect((await mesh.get("/")).status).toBe(200);
    });
    const processes = processesWithMark(mesh.runtimeDir);
    const [before = ""] = await rootsInUse();
    const load = OpenLoopLoad.start({ url: mesh.ready.gateway ?? "", requestsPerSecond });

    for (const phase of ["trust", "issue", "retire"] as const) {
      expect(await rotate("--pause-after", phase)).toContain("paused");
      const paused = await mesh.weftJson<RotationStatus>("cert", "rotate-root", "--status");
      expect([paused.phase, paused.paused, paused.behind]).toEqual([phase, true, []]);
      expect(publishedRoots()).toBe(phase === "retire" ? 1 : 2);
      const inUse = await rootsInUse();
      expect(inUse.length).toBe(1);
      expect(inUse[0] === before).toBe(phase === "trust");
      expect(await rotate("--abort")).toContain("aborted");
      expect(await rootsInUse()).toEqual([before]);
    }
    const progress = await rotate();
    for (const phase of ["trust", "issue", "retire"])
      expect(progress).toMatch(new RegExp(`${phase}: \\d+/\\d+ proxies`));
    const [after = "", ...others] = await rootsInUse();
    expect(others).toEqual([]);
    expect(after).not.toBe(before);
    expect(publishedRoots()).toBe(1);

    const samples = await load.stop();
    expect(countOutcomes(samples)).toEqual({ "200": samples.length });
    expect(samples.length).toBeGreaterThan(requestsPerSecond * 10);
    expect(processesWithMark(mesh.runtimeDir)).toEqual(processes);
  },
  timeoutMs,
);
