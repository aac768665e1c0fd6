/** Where the dashboard's built files are: made when the dashboard is first opened, and again whenever a source of it is newer. */
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { checkoutRoot, errorLine, runtimePath, WeftError } from "../kernel/index.ts";

/** In the single executable, which scripts/build.mjs makes: names and contents as JSON, compressed, in base64. */
declare const WEFT_DASHBOARD: string | undefined;

const folder = join(checkoutRoot, "node_modules/.cache/weft/dashboard");
const buildScript = join(checkoutRoot, "scripts/build-dashboard.mjs");
const maxDetail = 2_000;

/** Rejects with `unavailable` where it is neither built nor can be. */
export async function dashboardFolder(): Promise<string> {
  if (typeof WEFT_DASHBOARD === "string") return unpack(WEFT_DASHBOARD);
  if (isCurrent()) return folder;
  const child = Bun.spawn([runtimePath, "--no-env-file", "--no-install", buildScript, folder], {
    cwd: checkoutRoot,
    stdin: "ignore",
    stdout: "ignore",
    stderr: "pipe",
  });
  const detail = await new Response(child.stderr).text();
  if ((await child.exited) === 0) return folder;
  throw new WeftError("unavailable", `the dashboard cannot be built: ${detail.slice(0, maxDetail)}`);
}

/** Into a folder of this process's own, which goes with it. */
function unpack(encoded: string): string {
  const into = makeFolder();
  process.on("exit", () => rmSync(into, { recursive: true, force: true }));
  const files: unknown = JSON.parse(
    new TextDecoder().decode(Bun.zstdDecompressSync(Buffer.from(encoded, "base64"))),
  );
  for (const [name, content] of Object.entries(Object(files))) {
    writeFileSync(join(into, name), Buffer.from(String(content), "base64"));
  }
  return into;
}

function makeFolder(): string {
  try {
    return mkdtempSync(join(tmpdir(), "weft-dashboard-"));
  } catch (cause) {
    throw new WeftError("unavailable", `the dashboard cannot be unpacked: ${errorLine(cause)}`, {
      cause,
      hint: "set TMPDIR to a folder in which this user may make files",
    });
  }
}

function isCurrent(): boolean {
  let builtMs: number;
  try {
    // A copy of the folder in another checkout is not a build of that one.
    if (readFileSync(join(folder, "built-for"), "utf8").trim() !== checkoutRoot) return false;
    builtMs = statSync(join(folder, "built-for")).mtimeMs;
  } catch {
    return false;
  }
  return sources().every((file) => statSync(file).mtimeMs <= builtMs);
}

function sources(): string[] {
  const own = readdirSync(join(checkoutRoot, "dashboard/src"), { recursive: true, encoding: "utf8" });
  return [
    ...own.map((name) => join(checkoutRoot, "dashboard/src", name)),
    buildScript,
    join(checkoutRoot, "node_modules/.package-lock.json"),
  ];
}
