/** Finds the Bun of node_modules the way bin/weft does: the installed one, else the first platform package that runs here. */
import { spawnSync } from "node:child_process";
import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";

// Where install scripts are not run, bun.exe is a text of some hundred bytes that says so.
const smallestRealBytes = 1_000_000;

export function bunPath(root) {
  const installed = join(root, "node_modules", "bun", "bin", "bun.exe");
  if ((statSync(installed, { throwIfNoEntry: false })?.size ?? 0) >= smallestRealBytes) return installed;
  const platforms = join(root, "node_modules", "@oven");
  for (const name of statSync(platforms, { throwIfNoEntry: false }) === undefined
    ? []
    : readdirSync(platforms)) {
    const candidate = join(platforms, name, "bin", "bun");
    if (spawnSync(candidate, ["--version"], { stdio: "ignore" }).status === 0) return candidate;
  }
  throw new Error("no Bun that runs here under node_modules; run npm ci");
}
