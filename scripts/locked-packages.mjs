/** What package-lock.json installs, with licence and purpose. Plain JavaScript on Node 20 without a dependency. */
import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

export const root = join(dirname(fileURLToPath(import.meta.url)), "..");

/** Sorted by place. `licence` is an SPDX expression, or undefined where nobody says it. */
export function lockedPackages() {
  const { packages } = JSON.parse(readFileSync(join(root, "package-lock.json"), "utf8"));
  const entries = Object.entries(packages).filter(([place]) => place !== "");
  /** A package for one platform has the licence of the package that asks for it. */
  const licenceByPart = new Map(
    entries.flatMap(([, { license, optionalDependencies }]) =>
      Object.keys(optionalDependencies ?? {}).map((name) => [name, license]),
    ),
  );
  return entries.map(([place, entry]) => {
    const name = place.split("node_modules/").at(-1);
    return {
      place,
      name,
      version: entry.version,
      licence: entry.license ?? licenceByPart.get(name),
      integrity: entry.integrity,
      isDev: entry.dev === true || entry.devOptional === true,
      isOptional: entry.optional === true || entry.devOptional === true,
      dependencies: Object.keys({ ...entry.dependencies, ...entry.optionalDependencies }),
    };
  });
}
