/**
 * Runs before `npm start` and `npm test`: installs the dependencies when they are absent or older than the lock file.
 * Plain JavaScript on Node 20 without a dependency, because it runs before there are any.
 */
import { spawnSync } from "node:child_process";
import { accessSync, constants, mkdtempSync, statSync } from "node:fs";
import { homedir, tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const oldestNode = 20;
const root = join(dirname(fileURLToPath(import.meta.url)), "..");

function main() {
  if (Number(process.versions.node.split(".")[0]) < oldestNode) {
    return fail(`Node ${process.versions.node} is too old; install Node ${oldestNode} or newer`);
  }
  const reason = whyInstall();
  if (reason === undefined) return 0;
  if (!isWritable(root)) return fail(`${reason}, and ${root} is not writable; run npm ci there as its owner`);

  say(`${reason}: running npm ci`);
  const result = spawnSync(...npm(["ci", "--no-audit", "--no-fund", ...cacheOptions()]), {
    cwd: root,
    stdio: ["ignore", "inherit", "inherit"],
  });
  if (result.error !== undefined)
    return fail(`npm could not be started (${result.error.message}); is npm on the PATH?`);
  if (result.status !== 0) {
    return fail(`npm ci failed (exit ${result.status ?? result.signal}); its messages are above`);
  }
  return 0;
}

/** The marker is npm's own copy of the lock file, written at the end of an installation: a half-done one has none. */
function whyInstall() {
  const installed = modifiedMs(join(root, "node_modules", ".package-lock.json"));
  const wanted = modifiedMs(join(root, "package-lock.json"));
  if (installed === undefined) return "dependencies are not installed";
  if (wanted !== undefined && wanted > installed) return "package-lock.json is newer than node_modules";
  return undefined;
}

function modifiedMs(path) {
  return statSync(path, { throwIfNoEntry: false })?.mtimeMs;
}

/** npm keeps its cache in the home folder; where that cannot be written, a temporary one does. */
function cacheOptions() {
  const cache = process.env["npm_config_cache"] ?? join(homedir(), ".npm");
  for (let folder = cache; ; folder = dirname(folder)) {
    if (statSync(folder, { throwIfNoEntry: false }) !== undefined) {
      return isWritable(folder) ? [] : ["--cache", mkdtempSync(join(tmpdir(), "npm-cache-"))];
    }
    if (dirname(folder) === folder) return [];
  }
}

function isWritable(folder) {
  try {
    accessSync(folder, constants.W_OK);
    return true;
  } catch {
    return false;
  }
}

/** The npm that started this script where there is one: it need not be on the PATH. */
function npm(args) {
  const path = process.env["npm_execpath"];
  return path !== undefined && /\.c?js$/.test(path) ? [process.execPath, [path, ...args]] : ["npm", args];
}

function say(message) {
  process.stderr.write(`weft: ${message}\n`);
}

function fail(message) {
  say(message);
  return 1;
}

process.exitCode = main();
