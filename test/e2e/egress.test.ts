/** Programs that call what is outside of the mesh: by the name that an ExternalService gives it, and by nothing else. */
import { afterAll, beforeAll, describe, expect } from "bun:test";
import { type Running, spawnProcess } from "./harness/child-process.ts";
import { eventually } from "./harness/eventually.ts";
import { insideFabric } from "./harness/inside-fabric.ts";
import { root, startMesh, type TestMesh } from "./harness/mesh.ts";
import { type IsolationName, isolationRefusal, testWithIsolation } from "./harness/requirements.ts";
import { testProgram, yaml } from "./harness/resources.ts";

const hookTimeoutMs = 60_000;
const runTimeoutMs = 40_000;
const port = 18_080;
const curl = ["curl", "--silent", "--show-error", "--max-time", "10"];

/** Where a program of the machine that is no part of the mesh can stand: at the fabric's own address. */
const outsideAddress: Readonly<Record<IsolationName, string>> = {
  netns: "10.77.0.1",
  userns: "10.77.0.1",
  loopback: "127.0.0.1",
};

const kinds: readonly IsolationName[] = ["netns", "userns", "loopback"];

function nothing(): void {}

describe.each(kinds)("%s", (isolation) => {
  const test = testWithIsolation(isolation);
  const isPossible = isolationRefusal(isolation) === undefined;
  const isCaptured = isolation !== "loopback";
  const testCaptured = isCaptured ? test : nothing;
  const testDeclared = isCaptured ? nothing : test;
  let mesh: TestMesh;
  let outside: Running;

  beforeAll(async () => {
    if (!isPossible) return;
    mesh = await startMesh({ isolation });
    outside = spawnProcess([...insideFabric(mesh), ...testProgram("web")], {
      env: { ...mesh.env, HOST: outsideAddress[isolation], PORT: String(port), VERSION: "outside" },
      cwd: root,
    });
    await mesh.apply(
      yaml({
        apiVersion: "weft.dev/v1alpha1",
        kind: "ExternalService",
        metadata: { name: "api" },
        spec: {
          hosts: ["api.example.com", "*.api.example.com"],
          ports: [{ port: 80, protocol: "HTTP", targetPort: port }],
          resolution: "Static",
          endpoints: [{ address: outsideAddress[isolation] }],
        },
      }),
    );
  }, hookTimeoutMs);

  afterAll(async () => {
    if (!isPossible) return;
    outside.kill("SIGTERM");
    await outside.within(runTimeoutMs);
    await mesh[Symbol.asyncDispose]();
  }, hookTimeoutMs);

  async function call(command: string): Promise<string> {
    // The program outside takes its time to start.
    return await eventually(async () => {
      const run = mesh.run({ service: "caller", upstreams: ["api:80"], command: ["sh", "-c", command] });
      const { stdout, stderr } = await run.within(runTimeoutMs);
      expect(stdout).toContain("outside");
      return `${stdout}${stderr}`;
    });
  }

  testCaptured("a program reaches it by its name, and by each name of its wildcard", async () => {
    const names = ["api.example.com", "eu.api.example.com"];
    const command = names.map((name) => `${curl.join(" ")} http://${name}/`).join(" && ");
    expect(await call(command)).toBe("outside\noutside\n");
  });

  testCaptured("what no ExternalService names is not reached", async () => {
    const script = `${curl.join(" ")} http://www.example.com/; ${curl.join(" ")} http://192.0.2.1:80/`;
    const run = mesh.run({ service: "caller", command: ["sh", "-c", script] });
    const { code, stdout, stderr } = await run.within(runTimeoutMs);
    expect({ stdout, isRefused: code !== 0 }).toEqual({ stdout: "", isRefused: true });
    expect(stderr).toContain("Could not resolve host");
  });

  testDeclared("a program that declares it as an upstream is told where it is", async () => {
    expect(await call(`${curl.join(" ")} "$API_URL"`)).toBe("outside\n");
  });

  test("weft get says that it is in force", async () => {
    const { stdout } = await mesh.weft("get", "externalservices");
    expect(stdout).toMatch(/api\s+api\.example\.com,\*\.api\.example\.com\s+80\/HTTP\s+Static\s+True/);
  });
});
