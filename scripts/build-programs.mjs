/**
 * Builds `weft proxy`, `weft proxy --workers` and `weft serve` into one file each, with bytecode, for bin/weft, which runs this where
 * there is no build or an older one. Loading 260 modules one by one costs a proxy 4 MB of the transpiler's memory for good and half a
 * second at start.
 *
 *   bun scripts/build-programs.mjs FOLDER        FOLDER appears whole: PROGRAM.js, .js.jsc, .js.map and built-for
 */
import { mkdirSync, renameSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { smallDescriptorsPlugin } from "../src/proxy/program/small-descriptors-plugin.ts";

const programs = ["proxy-program", "proxy-workers-program", "serve-program"];
const root = fileURLToPath(new URL("..", import.meta.url)).replace(/\/$/, "");

async function main(folder) {
  const startedMs = Date.now();
  const scratch = `${folder}.${process.pid}`;
  mkdirSync(scratch, { recursive: true });
  try {
    const { success, logs } = await Bun.build({
      entrypoints: programs.map((name) => join(root, `src/cli/${name}.ts`)),
      outdir: scratch,
      naming: "[name].js",
      target: "bun",
      format: "cjs",
      bytecode: true,
      // The text stays in memory: 0.4 MB of names. The map, read when a stack is printed, brings files and lines back.
      minify: true,
      sourcemap: "linked",
      // Loaded with the first pattern and the first token, from node_modules.
      external: ["re2js", "jose/*"],
      plugins: [smallDescriptorsPlugin],
      throw: false,
    });
    if (!success) throw new AggregateError(logs, logs.map(String).join("\n"));
    // A copy of the folder in another checkout is not a build of that one.
    writeFileSync(join(scratch, "built-for"), `${root}\n`);
    // What changed while this was built is newer than the build.
    utimesSync(join(scratch, "built-for"), startedMs / 1000, startedMs / 1000);
    rmSync(folder, { recursive: true, force: true });
    renameSync(scratch, folder);
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

const [folder] = process.argv.slice(2);
if (folder === undefined) throw new Error("name the folder to build into");
await main(folder);
