/** Names of the CA's files: a root and the intermediate beneath it, `root.pem` the first one, `root-<8 digits>.pem` those that came after it. */
import { chmodSync, mkdirSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { WeftError } from "../kernel/index.ts";

export function rootFiles(directory: string): string[] {
  return readdirSync(directory).filter((name) => isRootFile(name));
}

export function intermediateOf(rootFile: string): string {
  return rootFile.replace("root", "intermediate");
}

/** Of changes of root that were over, or that a crash kept from being noted. */
export function removeOrphans(directory: string, roots: readonly (string | undefined)[]): void {
  const kept = roots.flatMap((file) => (file === undefined ? [] : [file, intermediateOf(file)]));
  for (const name of readdirSync(directory)) {
    const isOurs = isRootFile(name) || isRootFile(name.replace("intermediate", "root"));
    if (isOurs && !kept.includes(name)) rmSync(join(directory, name), { force: true });
  }
}

export function makePrivateDirectory(directory: string): void {
  try {
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    chmodSync(directory, 0o700);
  } catch (cause) {
    throw new WeftError("permission", `cannot make ${directory} private to this user`, { cause });
  }
}

function isRootFile(name: string): boolean {
  return /^root(-[0-9a-f]{8})?\.pem$/.test(name);
}
