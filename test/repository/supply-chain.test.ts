/** Where the program's parts come from: an exact and whole lock file, licences that are allowed and listed, a bill of materials that says the same. */
import { expect, test } from "bun:test";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { markdownTable } from "./markdown-table.ts";
import { root } from "./source-files.ts";

interface LockedPackage {
  readonly place: string;
  readonly name: string;
  readonly version: string;
  readonly licence: string | undefined;
  readonly integrity: string | undefined;
  readonly isDev: boolean;
  readonly isOptional: boolean;
}

/** Permissive ones, whose only duty is to name them. */
const allowed = new Set([
  "MIT",
  "Apache-2.0",
  "ISC",
  "BSD-2-Clause",
  "BSD-3-Clause",
  "0BSD",
  "BlueOak-1.0.0",
]);
/** Used unchanged by tests alone and never shipped, by name: copyleft of single files does not reach what is not changed. See 0012. */
const allowedInTests = new Map([["axe-core", "MPL-2.0"]]);
const licencesFile = join(root, "docs", "security", "licences.md");

const packages = await lockedPackages();

async function lockedPackages(): Promise<LockedPackage[]> {
  const script =
    'import("./scripts/locked-packages.mjs").then((m) => console.log(JSON.stringify(m.lockedPackages())))';
  const child = Bun.spawn([process.execPath, "-e", script], { cwd: root, stdout: "pipe" });
  const found: LockedPackage[] = JSON.parse(await new Response(child.stdout).text());
  return found;
}

test("the lock file is of this manifest, and exact", async () => {
  const manifest = await Bun.file(join(root, "package.json")).json();
  const lock = await Bun.file(join(root, "package-lock.json")).json();
  expect(lock.lockfileVersion).toBe(3);
  const { dependencies, devDependencies, version } = lock.packages[""];
  expect({ dependencies, devDependencies, version }).toEqual({
    dependencies: manifest.dependencies,
    devDependencies: manifest.devDependencies,
    version: manifest.version,
  });
  for (const [name, wanted] of Object.entries({ ...dependencies, ...devDependencies })) {
    expect([name, lock.packages[`node_modules/${name}`]?.version]).toEqual([name, wanted]);
  }
});

test("every package has a digest, but platforms' parts that are optional", () => {
  expect(packages.length).toBeGreaterThan(50);
  const without = packages.filter(({ integrity }) => integrity === undefined);
  expect(without.filter(({ isOptional }) => !isOptional).map(({ place }) => place)).toEqual([]);
  expect(
    packages.filter(({ integrity }) => integrity !== undefined && !integrity.startsWith("sha512-")),
  ).toEqual([]);
});

test("nothing is installed from elsewhere than a registry", async () => {
  const text = await Bun.file(join(root, "package-lock.json")).text();
  expect(/"(resolved|version)": "(git|file|http:|github:)/.exec(text)).toBeNull();
});

test("every licence is an allowed one", () => {
  const words = (expression: string): string[] =>
    expression.split(/[\s()]+|\bAND\b|\bOR\b/).filter((word) => word !== "");
  const offenders = packages.filter(
    ({ name, licence, isDev }) =>
      licence === undefined ||
      (words(licence).some((word) => !allowed.has(word)) && !(isDev && allowedInTests.get(name) === licence)),
  );
  expect(offenders.map(({ name, licence }) => `${name}: ${licence ?? "none"}`)).toEqual([]);
});

test("docs/security/licences.md lists them all", () => {
  const text = licencesPage();
  if (process.env["WEFT_UPDATE_GOLDEN"] !== undefined) writeFileSync(licencesFile, text);
  expect(readFileSync(licencesFile, "utf8")).toBe(text);
});

test("the bill of materials is CycloneDX 1.6, names every package, and is the same each time", async () => {
  const write = async (): Promise<string> => {
    const child = Bun.spawn([process.execPath, join(root, "scripts", "sbom.mjs")], { stdout: "pipe" });
    return new Response(child.stdout).text();
  };
  const [text, again] = await Promise.all([write(), write()]);
  expect(again).toBe(text);
  const bom = JSON.parse(text);
  expect([bom.bomFormat, bom.specVersion, bom.components.length]).toEqual([
    "CycloneDX",
    "1.6",
    packages.length,
  ]);
  expect(bom.serialNumber).toMatch(
    /^urn:uuid:[0-9a-f]{8}-[0-9a-f]{4}-[1-8][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/,
  );
  const references = new Set<string>(bom.components.map((each: Record<string, string>) => each["bom-ref"]));
  expect(references.size).toBe(packages.length);
  const named: string[] = bom.dependencies.flatMap((each: { dependsOn: string[] }) => each.dependsOn);
  expect(named.length).toBeGreaterThan(packages.length / 2);
  expect(named.filter((each) => !references.has(each))).toEqual([]);
  const shipped = bom.components.filter((each: Record<string, string>) => each["scope"] === "required");
  expect(shipped.map((each: Record<string, string>) => each["name"])).toContain("jose");
});

/** Which tests prove each control: every file that is named must be there. */
test("every test that the threat model names exists", () => {
  const text = readFileSync(join(root, "docs", "security", "threat-model.md"), "utf8");
  const named = [...text.matchAll(/`((?:src|test)\/[^`\s]*)`/g)].flatMap(([, path]) => path ?? []);
  expect(named.length).toBeGreaterThan(20);
  expect([...new Set(named)].filter((path) => !existsSync(join(root, path)))).toEqual([]);
});

function licencesPage(): string {
  const rows = (isDev: boolean): string[][] => {
    const chosen = packages.filter((each) => each.isDev === isDev);
    const byName = new Map(chosen.map((each) => [`${each.name} ${each.version}`, each]));
    return [...byName.values()]
      .toSorted((a, b) => (a.name < b.name ? -1 : 1))
      .map(({ name, version, licence }) => [name, version, licence ?? ""]);
  };
  const columns = ["Package", "Version", "Licence"];
  return [
    "# Licences",
    "",
    `What \`package-lock.json\` installs. Allowed are ${[...allowed].join(", ")}; another one fails a test. Tests alone also use ${[...allowedInTests].map(([name, licence]) => `${name} (${licence})`).join(", ")}, unchanged.`,
    "",
    "## Shipped",
    "",
    ...markdownTable(columns, rows(false)),
    "",
    "## For development and tests only",
    "",
    ...markdownTable(columns, rows(true)),
    "",
    "This page is written from the lock file; `WEFT_UPDATE_GOLDEN=1 npm run test:repository` writes it anew.",
    "",
  ].join("\n");
}
