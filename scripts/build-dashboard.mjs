/**
 * Builds the dashboard into a folder that the control plane serves: names with a hash of the content, each file as it is, with gzip
 * and with Brotli, and files.json, which lists them. The control plane runs this where there is no build or an older one.
 *
 *   bun scripts/build-dashboard.mjs FOLDER        FOLDER appears whole: files.json, built-for and what files.json names
 */
import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, renameSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { extname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";

const root = fileURLToPath(new URL("..", import.meta.url)).replace(/\/$/, "");
const source = join(root, "dashboard/src");
/** Where the control plane serves what has a hash in its name. */
const base = "/dashboard/";
const types = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".svg": "image/svg+xml",
};

async function main(folder) {
  const startedMs = Date.now();
  const scratch = `${folder}.${process.pid}`;
  mkdirSync(scratch, { recursive: true });
  try {
    const files = [];
    const add = (path, bytes) => files.push(writeFile(scratch, path, bytes));
    // The worker first: its name, which holds its hash, is part of the page's script.
    const worker = named("layout", ".js", await script("topology/layout-worker.ts", {}));
    const page = named(
      "app",
      ".js",
      await script("main.tsx", { layoutWorkerPath: JSON.stringify(worker.path) }),
    );
    const style = named("style", ".css", styles());
    const icon = named("icon", ".svg", readFileSync(join(source, "icon.svg")));
    for (const { path, bytes } of [worker, page, style, icon]) add(path, bytes);
    const html = readFileSync(join(source, "index.html"), "utf8")
      .replace("APP", page.path)
      .replace("STYLE", style.path)
      .replace("ICON", icon.path);
    add("/", Buffer.from(html));
    writeFileSync(join(scratch, "files.json"), JSON.stringify(files));
    writeFileSync(join(scratch, "built-for"), `${root}\n`);
    // What changed while this was built is newer than the build.
    utimesSync(join(scratch, "built-for"), startedMs / 1000, startedMs / 1000);
    rmSync(folder, { recursive: true, force: true });
    renameSync(scratch, folder);
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

async function script(entry, define) {
  const { success, logs, outputs } = await Bun.build({
    entrypoints: [join(source, entry)],
    target: "browser",
    format: "esm",
    minify: true,
    define: { "process.env.NODE_ENV": '"production"', ...define },
    jsx: { runtime: "automatic", importSource: "preact", development: false },
    throw: false,
  });
  if (!success) throw new AggregateError(logs, logs.map(String).join("\n"));
  return Buffer.from(await outputs[0].arrayBuffer());
}

/** One sheet of small ones, uPlot's first. */
function styles() {
  const own = ["base", "shell", "parts", "tables", "charts", "topology", "pages"];
  const sheets = [
    join(root, "node_modules/uplot/dist/uPlot.min.css"),
    ...own.map((name) => join(source, `styles/${name}.css`)),
  ];
  const text = sheets.map((file) => readFileSync(file, "utf8")).join("\n");
  return Buffer.from(text.replace(/\/\*[\s\S]*?\*\//g, "").replace(/\s*\n\s*/g, "\n"));
}

function named(name, extension, bytes) {
  const hash = createHash("sha256").update(bytes).digest("hex").slice(0, 12);
  return { path: `${base}${name}-${hash}${extension}`, bytes };
}

function writeFile(scratch, path, bytes) {
  const name = path === "/" ? "index.html" : path.slice(base.length);
  const etag = `"${createHash("sha256").update(bytes).digest("base64url").slice(0, 22)}"`;
  writeFileSync(join(scratch, name), bytes);
  writeFileSync(join(scratch, `${name}.gz`), gzipSync(bytes, { level: 9 }));
  const quality = { params: { [constants.BROTLI_PARAM_QUALITY]: constants.BROTLI_MAX_QUALITY } };
  writeFileSync(join(scratch, `${name}.br`), brotliCompressSync(bytes, quality));
  return { path, name, type: types[extname(name)], etag };
}

const [folder] = process.argv.slice(2);
if (folder === undefined) throw new Error("name the folder to build into");
await main(folder);
