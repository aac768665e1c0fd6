/** What the outer process hands to the process inside the fabric: a file in the instance's directory, for this user alone. */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { LogLevel } from "../kernel/index.ts";
import type { SocketAddress } from "./fabric.ts";
import type { Program } from "./programs.ts";

interface SpecBase {
  readonly instanceId: string;
  readonly instanceDirectory: string;
  readonly api: SocketAddress;
  /** Absolute. */
  readonly dataDir: string;
  readonly logFormat: "text" | "json";
  readonly logLevel: LogLevel;
}

export interface MeshSpec extends SpecBase {
  readonly task: "mesh";
  readonly programs: readonly Program[];
  readonly objects: readonly unknown[];
  readonly gateway: { readonly hostAddress: string; readonly port?: number };
}

export interface RunSpec extends SpecBase {
  readonly task: "run";
  readonly ads: SocketAddress;
  readonly program: Program;
}

export type SupervisorSpec = MeshSpec | RunSpec;

export function writeSpec(spec: SupervisorSpec): string {
  const path = join(spec.instanceDirectory, `${spec.task}-${crypto.randomUUID()}.json`);
  writeFileSync(path, JSON.stringify(spec), { mode: 0o600 });
  return path;
}

/** Ours to trust: the directory belongs to this user alone and the same version wrote the file a moment ago. */
export function readSpec(path: string): SupervisorSpec {
  return JSON.parse(readFileSync(path, "utf8"));
}
