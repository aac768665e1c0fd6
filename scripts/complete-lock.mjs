/**
 * Makes package-lock.json name every optional package that an installed one asks for by an exact version. npm leaves out those
 * that its registry does not have (a mirror may hold one platform only), and then `npm ci` refuses the file everywhere. Run after a
 * change of dependencies: `npm run lock`. Plain JavaScript on Node 20 without a dependency.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const file = join(dirname(fileURLToPath(import.meta.url)), "..", "package-lock.json");
const systems = ["android", "darwin", "freebsd", "linux", "openharmony", "win32"];
const processors = ["arm64", "armv7", "arm", "ia32", "ppc64", "riscv64", "s390x", "x64"];

const lock = JSON.parse(readFileSync(file, "utf8"));
const { packages } = lock;
let added = 0;
for (const parent of Object.values(packages)) {
  for (const [name, version] of Object.entries(parent.optionalDependencies ?? {})) {
    const place = `node_modules/${name}`;
    if (packages[place] !== undefined || !/^\d/.test(version)) continue;
    packages[place] = entry(name, version, parent.dev === true);
    added++;
  }
}
lock.packages = Object.fromEntries(Object.entries(packages).sort(([a], [b]) => (a < b ? -1 : 1)));
writeFileSync(file, `${JSON.stringify(lock, null, 2)}\n`);
console.log(`${added} packages of other platforms added to package-lock.json`);

/** The platform is part of such a package's name; a wrong guess only means that it is tried, and it is optional. */
function entry(name, version, isDev) {
  const words = name.toLowerCase().split(/[^a-z0-9]+/);
  const os = systems.filter((system) => words.includes(system));
  const cpu = processors.filter((processor) => words.includes(processor) && processor !== "armv7");
  return {
    version,
    ...(cpu.length > 0 ? { cpu } : words.includes("armv7") ? { cpu: ["arm"] } : {}),
    ...(isDev ? { dev: true } : {}),
    ...(words.includes("musl") || words.includes("musleabihf") ? { libc: ["musl"] } : {}),
    optional: true,
    ...(os.length > 0 ? { os } : {}),
  };
}
