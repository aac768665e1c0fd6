/**
 * Builds `weft proxy`, `weft proxy --workers`, `weft serve` or all the rest (`main`) into one executable, for bin/weft, which runs this
 * where there is no build or an older one. The runtime maps the program's text and bytecode from the executable: a process has no
 * copy of them, as it has of a script's (3.5 MB), nor the transpiler's memory for 260 modules (4 MB for good, and half a second at start).
 *
 *   bun scripts/build-program.mjs FOLDER PROGRAM        into FOLDER: PROGRAM, PROGRAM.map and, last, built-for
 */
import { mkdirSync, renameSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { smallDescriptorsPlugin } from "../src/proxy/program/small-descriptors-plugin.ts";

const root = fileURLToPath(new URL("..", import.meta.url)).replace(/\/$/, "");

async function main(folder, program) {
  const startedMs = Date.now();
  const scratch = `${folder}.${process.pid}`;
  mkdirSync(scratch, { recursive: true });
  try {
    const { success, logs } = await Bun.build({
      entrypoints: [join(root, `src/cli/${program}.ts`)],
      // Nothing is read from the folder that it is called in: .env and bunfig.toml may be anybody's.
      compile: { outfile: join(scratch, program), autoloadDotenv: false, autoloadBunfig: false },
      target: "bun",
      format: "cjs",
      bytecode: true,
      minify: true,
      // The map, read when a stack is printed, brings files and lines back. It is in the executable, and beside it for tests.
      sourcemap: "linked",
      // What a control plane reads of descriptors is not there with the small ones.
      plugins: program === "main" ? [] : [smallDescriptorsPlugin],
      define: { WEFT_CHECKOUT: JSON.stringify(root), WEFT_RUNTIME: JSON.stringify(process.execPath) },
      throw: false,
    });
    if (!success) throw new AggregateError(logs, logs.map(String).join("\n"));
    dropFromPageCache(join(scratch, program));
    // A copy of the folder in another checkout is not a build of that one.
    writeFileSync(join(scratch, "built-for"), `${root}\n`);
    // What changed while this was built is newer than the build.
    utimesSync(join(scratch, "built-for"), startedMs / 1000, startedMs / 1000);
    // Each file takes the place of the one before at once: who starts the program meanwhile has one or the other, and never none.
    mkdirSync(folder, { recursive: true });
    for (const name of [`${program}.map`, program, "built-for"])
      renameSync(join(scratch, name), join(folder, name));
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

/**
 * What was just written lies in the page cache in large pieces, of which more is mapped at each fault than is needed: 3 MB of each
 * process (measured). Read again from the disk it lies in small ones. Where this cannot be done nothing else is lost.
 */
function dropFromPageCache(file) {
  Bun.spawnSync(["dd", `of=${file}`, "oflag=nocache", "conv=notrunc,fdatasync", "count=0", "status=none"], {
    stdio: ["ignore", "ignore", "ignore"],
  });
}

const [folder, program] = process.argv.slice(2);
if (folder === undefined || program === undefined)
  throw new Error("name the folder to build into, and the program");
await main(folder, program);
