/**
 * `npm run build [x64|arm64 …]`: weft as one executable for each machine, which needs neither a checkout nor node_modules nor Bun.
 *
 *   dist/weft-linux-x64   dist/weft-linux-arm64   dist/weft-proxy-linux-*   dist/SHA256SUMS
 *
 * `weft-proxy` is `weft proxy` alone, for machines with many: an idle proxy of it has 11 to 12 MB for itself, one of `weft` 21 MB. Installed beside
 * `weft` under that name it is what `weft up` and the systemd units run.
 *
 * The runtime of another machine than this one comes from the npm registry, in the version that package.json names.
 */
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { smallDescriptorsPlugin } from "../src/proxy/program/small-descriptors-plugin.ts";
import manifest from "../package.json" with { type: "json" };
import { bunPath } from "./bun-path.mjs";

const root = fileURLToPath(new URL("..", import.meta.url));
/** Machine as this program names it -> its package of Bun, and the ELF header's e_machine. */
const targets = {
  x64: { runtime: "@oven/bun-linux-x64", machine: 62 },
  arm64: { runtime: "@oven/bun-linux-aarch64", machine: 183 },
};

async function main(names) {
  const wanted = names.length === 0 ? Object.keys(targets) : names;
  for (const name of wanted)
    if (!(name in targets)) throw new Error(`no target ${name}; there are x64, arm64`);
  const dist = join(root, "dist");
  const scratch = mkdtempSync(join(tmpdir(), "weft-dist-"));
  mkdirSync(dist, { recursive: true });
  try {
    const dashboard = join(scratch, "dashboard");
    run([process.execPath, join(root, "scripts/build-dashboard.mjs"), dashboard], root);
    const sums = [];
    for (const name of wanted) {
      const runtime = runtimeOf(targets[name], scratch);
      for (const [program, entry] of Object.entries({ weft: "main", "weft-proxy": "proxy-program" })) {
        const file = `${program}-linux-${name}`;
        const outfile = join(dist, file);
        await compile(entry, outfile, runtime, dashboard);
        // It is in the executable too.
        rmSync(`${outfile}.map`, { force: true });
        checkMachine(outfile, targets[name].machine);
        const bytes = readFileSync(outfile);
        sums.push(`${createHash("sha256").update(bytes).digest("hex")}  ${file}\n`);
        process.stderr.write(`${outfile}: ${bytes.length} bytes\n`);
      }
    }
    writeFileSync(join(dist, "SHA256SUMS"), sums.join(""));
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

async function compile(entry, outfile, executablePath, dashboard) {
  const assets = readdirSync(dashboard).filter((file) => file !== "built-for");
  const { success, logs } = await Bun.build({
    entrypoints: [join(root, `src/cli/${entry}.ts`)],
    // Nothing is read from the folder that it is called in: .env and bunfig.toml may be anybody's.
    compile: { outfile, executablePath, autoloadDotenv: false, autoloadBunfig: false },
    target: "bun",
    // The runtime maps bytecode from the executable, so that all processes of it share what they run.
    format: "cjs",
    bytecode: true,
    minify: true,
    sourcemap: "linked",
    // What a control plane reads of descriptors is not there with the small ones.
    plugins: entry === "main" ? [] : [smallDescriptorsPlugin],
    define: { WEFT_DASHBOARD: JSON.stringify(encodeAssets(dashboard, assets)) },
    throw: false,
  });
  if (!success) throw new AggregateError(logs, logs.map(String).join("\n"));
}

/** A JSON object of names and contents, compressed: it is some hundred kilobytes of text. */
function encodeAssets(folder, names) {
  const files = Object.fromEntries(
    names.map((name) => [name, readFileSync(join(folder, name)).toString("base64")]),
  );
  return Buffer.from(Bun.zstdCompressSync(JSON.stringify(files), { level: 19 })).toString("base64");
}

function runtimeOf({ runtime }, scratch) {
  if (runtime === `@oven/bun-linux-${process.arch === "arm64" ? "aarch64" : "x64"}`) return bunPath(root);
  const version = manifest.dependencies.bun;
  run(["npm", "pack", "--silent", `${runtime}@${version}`], scratch);
  const [archive] = readdirSync(scratch).filter((file) => file.endsWith(".tgz"));
  run(["tar", "xzf", archive], scratch);
  rmSync(join(scratch, archive));
  return join(scratch, "package", "bin", "bun");
}

function checkMachine(file, machine) {
  const header = readFileSync(file).subarray(0, 20);
  if (header.toString("latin1", 0, 4) !== "\u007fELF" || header.readUInt16LE(18) !== machine) {
    throw new Error(`${file} is no executable of the machine that it was built for`);
  }
}

function run(argv, cwd) {
  const { status, stderr } = spawnSync(argv[0], argv.slice(1), { cwd, stdio: ["ignore", "ignore", "pipe"] });
  if (status !== 0) throw new Error(`${argv.join(" ")}: ${stderr.toString()}`);
}

await main(process.argv.slice(2));
