/** Where the dashboard's built files are: made when the dashboard is first opened, and again whenever a source of it is newer. */
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { WeftError } from "../kernel/index.ts";

const root = join(import.meta.dir, "../..");
const folder = join(root, "node_modules/.cache/weft/dashboard");
const buildScript = join(root, "scripts/build-dashboard.mjs");
const maxDetail = 2_000;

/** Rejects with `unavailable` where it is neither built nor can be. */
export async function dashboardFolder(): Promise<string> {
  if (isCurrent()) return folder;
  const child = Bun.spawn([process.execPath, "--no-env-file", "--no-install", buildScript, folder], {
    cwd: root,
    stdin: "ignore",
    stdout: "ignore",
    stderr: "pipe",
  });
  const detail = await new Response(child.stderr).text();
  if ((await child.exited) === 0) return folder;
  throw new WeftError("unavailable", `the dashboard cannot be built: ${detail.slice(0, maxDetail)}`);
}

function isCurrent(): boolean {
  let builtMs: number;
  try {
    // A copy of the folder in another checkout is not a build of that one.
    if (readFileSync(join(folder, "built-for"), "utf8").trim() !== root) return false;
    builtMs = statSync(join(folder, "built-for")).mtimeMs;
  } catch {
    return false;
  }
  return sources().every((file) => statSync(file).mtimeMs <= builtMs);
}

function sources(): string[] {
  const own = readdirSync(join(root, "dashboard/src"), { recursive: true, encoding: "utf8" });
  return [
    ...own.map((name) => join(root, "dashboard/src", name)),
    buildScript,
    join(root, "node_modules/.package-lock.json"),
  ];
}
