/** Others' programs that are built with Go where it is installed, once, in a folder of this user's among the temporary ones. */
import { existsSync, mkdirSync, renameSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { spawnProcess } from "../e2e/harness/child-process.ts";

export interface GoTool {
  /** The program's file, and the variable that names another one to take instead. */
  readonly name: string;
  readonly variable: string;
  /** Module path of its package. */
  readonly source: string;
  readonly version: string;
}

const buildTimeoutMs = 600_000;

/** The program's path, or `missing`: why there is none. */
export async function findGoTool(tool: GoTool): Promise<{ path: string } | { missing: string }> {
  const { name, variable, source, version } = tool;
  const named = process.env[variable];
  if (named !== undefined)
    return existsSync(named) ? { path: named } : { missing: `${variable}: no such file` };
  const directory = join(tmpdir(), `weft-go-${process.getuid?.() ?? 0}`, `${name}-${version}`);
  const path = join(directory, name);
  if (existsSync(path)) return { path };
  if (Bun.which("go") === null) return { missing: `${name}: install Go, or set ${variable} to the program` };
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  writeFileSync(join(directory, "go.mod"), "module scratch\n");
  const partial = `${path}.partial`;
  const steps = [
    ["get", `${source}@${version}`],
    ["build", "-o", partial, source],
  ];
  for (const step of steps) {
    const go = spawnProcess(["go", ...step], { cwd: directory, env: process.env });
    const { code, stderr } = await go.within(buildTimeoutMs);
    if (code !== 0) return { missing: `go ${step.join(" ")}: ${stderr.trim()}` };
  }
  renameSync(partial, path);
  return { path };
}
