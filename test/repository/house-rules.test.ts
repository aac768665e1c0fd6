/** Rules of the house that no linter knows: file names, headers, doors without code, exact versions, links that lead somewhere. */
import { expect, test } from "bun:test";
import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { filesUnder, root, type SourceFile, sourceFiles } from "./source-files.ts";

const sources = [
  ...sourceFiles("src"),
  ...sourceFiles("test"),
  ...sourceFiles("dashboard"),
  ...filesUnder("dashboard", ".tsx"),
];
const isDoor = ({ path }: SourceFile): boolean => path.endsWith("/index.ts");

function offenders(files: readonly SourceFile[], isBad: (file: SourceFile) => boolean): string[] {
  return files.filter(isBad).map((file) => file.path);
}

test("there are sources to check", () => {
  expect(sources.length).toBeGreaterThan(20);
  expect(sources.filter(isDoor).length).toBeGreaterThan(2);
});

test("files have at most 400 lines", () => {
  expect(offenders(sources, ({ text }) => text.split("\n").length > 401)).toEqual([]);
});

test("file names are kebab-case and name one thing", () => {
  expect(
    offenders(sources, ({ path }) => !/^[a-z0-9-]+(\.[a-z0-9-]+)*\.tsx?$/.test(path.split("/").at(-1) ?? "")),
  ).toEqual([]);
  expect(offenders(sources, ({ path }) => /\/(utils?|helpers?|common|types|misc)\.ts$/.test(path))).toEqual(
    [],
  );
});

test("files begin with a comment that says what they own", () => {
  expect(offenders(sources, (file) => !isDoor(file) && !/^(#!.*\n)?\/[*/]/.test(file.text))).toEqual([]);
});

test("doors hold explicit named exports and no code", () => {
  const export_ = /^\s*(\/\*[\s\S]*?\*\/|\/\/.*|export (type )?\{[^}]*\} from "[^"]+";)\s*$/;
  const hasCode = ({ text }: SourceFile): boolean =>
    text.split(/(?<=;)\n/).some((statement) => statement.trim() !== "" && !export_.test(statement));
  expect(offenders(sources.filter(isDoor), hasCode)).toEqual([]);
});

test("nothing is left for later", () => {
  const marker = new RegExp(["TO", "DO|FIX", "ME|X", "XX\\b"].join(""));
  expect(offenders([...sources, ...filesUnder("scripts", ".mjs")], ({ text }) => marker.test(text))).toEqual(
    [],
  );
});

test("no file names a folder of somebody's machine", () => {
  const everywhere = [
    ...sources,
    ...filesUnder("docs", ".md"),
    ...filesUnder("examples", ""),
    ...rootDocuments(),
  ];
  const path = /(?<![\w.])\/(home|Users|root)\/\w/;
  expect(offenders(everywhere, ({ text }) => path.test(text))).toEqual([]);
});

test("dependencies are exact versions", async () => {
  const manifest = await Bun.file(join(root, "package.json")).json();
  const versions = Object.entries<string>({ ...manifest.dependencies, ...manifest.devDependencies });
  expect(versions.length).toBeGreaterThan(5);
  expect(versions.filter(([, version]) => !/^\d+\.\d+\.\d+$/.test(version))).toEqual([]);
});

test("links in the documents lead to files", () => {
  const documents = [...rootDocuments(), ...filesUnder("docs", ".md"), ...filesUnder("examples", ".md")];
  const broken: string[] = [];
  let seen = 0;
  for (const { path, text } of documents) {
    for (const [, link = ""] of text.matchAll(/\]\(([^)#\s]+)[^)]*\)/g)) {
      if (/^[a-z]+:/.test(link)) continue;
      seen++;
      if (!existsSync(join(root, dirname(path), link))) broken.push(`${path}: ${link}`);
    }
  }
  expect(seen).toBeGreaterThan(0);
  expect(broken).toEqual([]);
});

function rootDocuments(): SourceFile[] {
  return filesUnder(".", ".md").filter(({ path }) => !path.includes("/"));
}
