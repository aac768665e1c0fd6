/** Others' programs that are built with Go where it is installed, once, in a folder of this user's among the temporary ones. */
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
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

/** A program of this repository's in front of others' libraries: its module pins their versions and sums. */
export interface GoProgram {
  readonly name: string;
  readonly variable: string;
  /** Of its module. */
  readonly directory: string;
  /** Built only where this variable is set: it takes too long for every run. One that is there already is taken. */
  readonly buildVariable: string;
}

/** The program's path, or `missing`: why there is none. */
export type FoundProgram = { readonly path: string } | { readonly missing: string };

export async function findGoTool({ name, variable, source, version }: GoTool): Promise<FoundProgram> {
  return await findOrBuild(name, variable, version, async (directory, output) => {
    writeFileSync(join(directory, "go.mod"), "module scratch\n");
    return (
      (await runGo(directory, ["get", `${source}@${version}`])) ??
      (await runGo(directory, ["build", "-o", output, source]))
    );
  });
}

export async function findGoProgram(program: GoProgram): Promise<FoundProgram> {
  const { name, variable, directory, buildVariable } = program;
  const hash = createHash("sha256");
  for (const file of ["main.go", "go.mod", "go.sum"]) hash.update(readFileSync(join(directory, file)));
  const version = hash.digest("hex").slice(0, 16);
  return await findOrBuild(name, variable, version, async (_, output) => {
    if (process.env[buildVariable] === undefined) return `set ${buildVariable}=1 to have ${name} built`;
    return await runGo(directory, ["build", "-mod=readonly", "-o", output, "."]);
  });
}

/** `build` says what failed. */
async function findOrBuild(
  name: string,
  variable: string,
  version: string,
  build: (directory: string, output: string) => Promise<string | undefined>,
): Promise<FoundProgram> {
  const named = process.env[variable];
  if (named !== undefined)
    return existsSync(named) ? { path: named } : { missing: `${variable}: no such file` };
  const directory = join(tmpdir(), `weft-go-${process.getuid?.() ?? 0}`, `${name}-${version}`);
  const path = join(directory, name);
  if (existsSync(path)) return { path };
  if (Bun.which("go") === null) return { missing: `${name}: install Go, or set ${variable} to the program` };
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  const partial = `${path}.partial`;
  const problem = await build(directory, partial);
  if (problem !== undefined) return { missing: problem };
  renameSync(partial, path);
  return { path };
}

async function runGo(directory: string, command: readonly string[]): Promise<string | undefined> {
  const go = spawnProcess(["go", ...command], { cwd: directory, env: process.env });
  const { code, stderr } = await go.within(buildTimeoutMs);
  return code === 0 ? undefined : `go ${command.join(" ")}: ${stderr.trim()}`;
}
