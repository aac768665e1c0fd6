/** `weft run` gets out of the way: what a program reads, writes, is sent and answers is as it would be without a mesh. */
import { afterAll, beforeAll, describe, expect } from "bun:test";
import { eventually } from "./harness/eventually.ts";
import { startMesh, type TestMesh, weftProgram } from "./harness/mesh.ts";
import { meshProcesses } from "./harness/mesh-processes.ts";
import { type IsolationName, isolationRefusal, testWithIsolation } from "./harness/requirements.ts";
import { TerminalSession } from "./harness/terminal.ts";

const hookTimeoutMs = 60_000;
const runTimeoutMs = 40_000;
const kinds: readonly IsolationName[] = ["netns", "userns", "loopback"];

describe.each(kinds)("%s", (isolation) => {
  const test = testWithIsolation(isolation);
  const isPossible = isolationRefusal(isolation) === undefined;
  let mesh: TestMesh;

  beforeAll(async () => {
    if (isPossible) mesh = await startMesh({ isolation });
  }, hookTimeoutMs);

  afterAll(async () => {
    if (isPossible) await mesh[Symbol.asyncDispose]();
  }, hookTimeoutMs);

  test("the program's exit code, stdin, stdout and stderr are weft run's own", async () => {
    const script = "cat; echo to the other side >&2; exit 7";
    const run = mesh.run({ service: "client", command: ["sh", "-c", script], stdin: "warp\nand\nweft\n" });
    expect(await run.within(runTimeoutMs)).toEqual({
      code: 7,
      stdout: "warp\nand\nweft\n",
      stderr: "to the other side\n",
    });
  });

  test("a program that a signal ended has the code that a shell would give", async () => {
    const run = mesh.run({ service: "client", command: ["sh", "-c", "kill -9 $$"] });
    expect((await run.within(runTimeoutMs)).code).toBe(128 + 9);
  });

  test("what weft run itself cannot do exits with 125 and one line, and leaves no workload", async () => {
    const missing = await mesh
      .run({ service: "client", name: "missing", command: ["no-such-program"] })
      .within(runTimeoutMs);
    expect(missing.code).toBe(125);
    expect(missing.stderr).toMatch(/no-such-program/);
    expect(missing.stderr.trim().split("\n").length).toBe(1);
    expect(meshProcesses(mesh).filter(({ site }) => site === "default/missing")).toEqual([]);
    const { code, stderr } = await mesh.weft("run", "--service", "client", "--port", "many", "--", "true");
    expect(code).toBe(125);
    expect(stderr.trim().split("\n").length).toBe(1);
  });

  test("SIGTERM and SIGINT are the program's, and it has the last word", async () => {
    const script = `trap 'echo caught; exit 3' TERM INT; echo waiting >&2; while :; do sleep 0.05; done`;
    for (const signal of ["SIGTERM", "SIGINT"] as const) {
      const run = mesh.run({ service: "client", command: ["bash", "-c", script] });
      await run.untilLine("stderr", runTimeoutMs, (line) => line === "waiting" || undefined);
      run.kill(signal);
      expect(await run.within(runTimeoutMs)).toMatchObject({ code: 3, stdout: "caught\n" });
    }
  });

  test("Ctrl-C at a terminal reaches the program once, which may go on until it has finished", async () => {
    const script = `
      n=0; trap 'n=$((n+1)); echo caught $n' INT; echo waiting
      while [ $n -eq 0 ]; do sleep 0.05; done
      sleep 0.3; echo over after $n; exit 5`;
    const command = ["--service", "client", "--", "bash", "-c", script];
    const argv = [weftProgram, "run", "--instance", mesh.instance, ...command];
    await using session = new TerminalSession(argv, mesh.env);
    await session.until("waiting");
    session.pressCtrlC();
    expect(await session.exited).toBe(5);
    await session.until("over after 1");
  });

  test("kill -9 of weft run ends the program and its sidecar, and the mesh goes on", async () => {
    const run = mesh.run({ service: "client", name: "orphan", command: ["sleep", "600"] });
    const ofRun = () => meshProcesses(mesh).filter(({ site }) => site === "default/orphan");
    await eventually(() =>
      expect(
        ofRun()
          .map(({ role }) => role)
          .toSorted(),
      ).toEqual(["program", "proxy"]),
    );
    run.kill("SIGKILL");
    await eventually(() => expect(ofRun()).toEqual([]));
    expect((await mesh.run({ service: "client", command: ["true"] }).within(runTimeoutMs)).code).toBe(0);
  });
});
