/**
 * Keeps weft as it was at a commit, as one compressed file for test/compatibility, which runs it beside the weft of now:
 *
 *   bun scripts/keep-build.mjs COMMIT        test/compatibility/builds/<commit>.js.zst
 *
 * The commit's sources are built against the node_modules of now, so its lock file must be the same, or be installed first.
 */
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));
/** Slow to write, and as quick to read as any. */
const level = 19;

async function main(commit) {
  const name = git("rev-parse", "--short=7", commit).toString().trim();
  const folder = mkdtempSync(join(tmpdir(), "weft-build-"));
  try {
    const tree = git("archive", name);
    const unpacked = spawnSync("tar", ["x", "-C", folder], { input: tree });
    if (unpacked.status !== 0) throw new Error(String(unpacked.stderr));
    symlinkSync(join(root, "node_modules"), join(folder, "node_modules"));
    const { outputs } = await Bun.build({
      entrypoints: [join(folder, "src/cli/main.ts")],
      target: "bun",
      minify: true,
    });
    const program = outputs.find(({ kind }) => kind === "entry-point");
    const bytes = Bun.zstdCompressSync(new Uint8Array(await program.arrayBuffer()), { level });
    const file = join(root, "test/compatibility/builds", `${name}.js.zst`);
    writeFileSync(file, bytes);
    process.stderr.write(`${file}: ${bytes.length} bytes\n`);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function git(...args) {
  const result = spawnSync("git", args, { cwd: root, maxBuffer: 1 << 28 });
  if (result.status !== 0) throw new Error(`git ${args[0]}: ${result.stderr.toString()}`);
  return result.stdout;
}

const [commit] = process.argv.slice(2);
if (commit === undefined) throw new Error("name the commit to keep");
await main(commit);
