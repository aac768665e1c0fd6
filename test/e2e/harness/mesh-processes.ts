/** Finds the processes of a running mesh, so that tests can kill one of them, and nothing else. */
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import type { TestMesh } from "./mesh.ts";

export interface MeshProcess {
  readonly pid: number;
  /** `control`, `inner`, or `namespace/name` of a workload. */
  readonly site: string;
  readonly role: "control" | "inner" | "proxy" | "program";
  readonly netNamespaceId: number;
}

interface InstanceFile {
  readonly id: string;
  readonly inner?: { readonly pid: number };
}

export function readInstance(mesh: TestMesh): InstanceFile {
  return JSON.parse(readFileSync(join(mesh.runtimeDir, mesh.instance, "instance.json"), "utf8"));
}

export function meshProcesses(mesh: TestMesh): MeshProcess[] {
  const { id } = readInstance(mesh);
  const found: MeshProcess[] = [];
  for (const name of readdirSync("/proc").filter((entry) => /^\d+$/.test(entry))) {
    const process = readProcess(Number(name), id);
    if (process !== undefined) found.push(process);
  }
  return found.toSorted((a, b) => a.pid - b.pid);
}

/** The one process of that kind; throws where it does not run. */
export function processOf(mesh: TestMesh, role: MeshProcess["role"], site?: string): MeshProcess {
  const found = meshProcesses(mesh).find(
    (candidate) => candidate.role === role && (site === undefined || candidate.site === site),
  );
  if (found === undefined) throw new Error(`no ${role} of ${site ?? "the mesh"} runs`);
  return found;
}

/** As `kill -9` does: nothing of it gets a word in. */
export function killNow(target: MeshProcess): void {
  process.kill(target.pid, "SIGKILL");
}

function readProcess(pid: number, instanceId: string): MeshProcess | undefined {
  try {
    const environment = readFileSync(`/proc/${pid}/environ`, "utf8");
    const site = new RegExp(`(?:^|\\0)WEFT_SITE=${instanceId}/([^\\0]*)`).exec(environment)?.[1];
    if (site === undefined) return undefined;
    const arguments_ = readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0");
    const name = site.replace(/\/$/, "");
    const role = roleOf(name, arguments_);
    return { pid, site: name, role, netNamespaceId: statSync(`/proc/${pid}/ns/net`).ino };
  } catch {
    // It ended while we were looking, or belongs to somebody else.
    return undefined;
  }
}

function roleOf(site: string, arguments_: readonly string[]): MeshProcess["role"] {
  if (site === "control" || site === "inner") return site;
  return arguments_.includes("proxy") && arguments_.includes("--bootstrap") ? "proxy" : "program";
}
