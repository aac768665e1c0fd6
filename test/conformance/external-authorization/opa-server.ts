/** OPA's engine behind Envoy's own Go API, as a program that asks for a policy's file: `opa/main.go`. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { spawnProcess } from "../../e2e/harness/child-process.ts";
import { findGoProgram, type FoundProgram } from "../go-tools.ts";

export async function findOpaServer(): Promise<FoundProgram> {
  const directory = join(import.meta.dir, "opa");
  return await findGoProgram({
    ...{ name: "opa-server", variable: "WEFT_OPA_SERVER", directory },
    buildVariable: "WEFT_BUILD_OPA",
  });
}

const startTimeoutMs = 20_000;

export interface OpaServer extends AsyncDisposable {
  readonly port: number;
}

export async function startOpa(program: string, policy: string): Promise<OpaServer> {
  const directory = mkdtempSync(join(tmpdir(), "weft-opa-"));
  const file = join(directory, "policy.rego");
  writeFileSync(file, policy);
  const running = spawnProcess([program, file], { cwd: directory, env: process.env });
  const port = await running.untilLine(
    "stdout",
    startTimeoutMs,
    (line) => /^listening (\d+)$/.exec(line)?.[1],
  );
  return {
    port: Number(port),
    async [Symbol.asyncDispose]() {
      running.kill("SIGTERM");
      await running.finished;
      rmSync(directory, { recursive: true });
    },
  };
}
