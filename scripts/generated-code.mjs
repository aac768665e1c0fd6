/** Generates the protobuf code into a temporary folder with the command of package.json and compares it with what is checked in. */
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join, relative } from "node:path";

// The rooms that hold generated code and what of proto/ each is made from; `npm run generate` says the same.
const rooms = {
  model: ["proto/weft/model"],
  wire: ["proto/weft/wire", "proto/envoy", "proto/opentelemetry", "proto/etcd"],
};

export async function compareGenerated({ root, scratch, run }) {
  let ok = true;
  for (const [room, sources] of Object.entries(rooms)) {
    const out = join(scratch, "generated", room);
    const paths = sources.map((source) => `--path ${source}`).join(" ");
    if (!(await run(`buf generate ${paths} -o '${out}'`))) return false;
    const differences = compareFolders(join(root, "src", room, "gen"), join(out, "gen"));
    for (const line of differences) console.error(`src/${room}/gen/${line}; run npm run generate`);
    if (differences.length > 0) ok = false;
  }
  return ok;
}

function compareFolders(checkedIn, generated) {
  const mine = filesUnder(checkedIn);
  const theirs = filesUnder(generated);
  const differences = [];
  if (theirs.length === 0) differences.push(": nothing was generated");
  for (const path of theirs) {
    if (!mine.includes(path)) differences.push(`${path} is not checked in`);
    else if (!readFileSync(join(checkedIn, path)).equals(readFileSync(join(generated, path)))) {
      differences.push(`${path} differs from what proto/ generates`);
    }
  }
  for (const path of mine) if (!theirs.includes(path)) differences.push(`${path} comes from no .proto file`);
  return differences;
}

function filesUnder(folder) {
  if (statSync(folder, { throwIfNoEntry: false }) === undefined) return [];
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(folder, join(entry.parentPath ?? entry.path, entry.name)))
    .sort();
}
