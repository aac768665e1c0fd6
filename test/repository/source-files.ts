/** Reads the repository's own files for the tests that check them. */
import { readdirSync, readFileSync } from "node:fs";
import { join, sep } from "node:path";

export const root = join(import.meta.dir, "..", "..");

export interface SourceFile {
  /** Relative to the repository, with `/`. */
  readonly path: string;
  readonly text: string;
}

export interface ImportLine {
  readonly specifier: string;
  readonly typeOnly: boolean;
}

/** All TypeScript under a folder, tests included, generated code excluded. */
export function sourceFiles(folder: string): SourceFile[] {
  return filesUnder(folder, ".ts").filter(({ path }) => !path.includes("/gen/"));
}

export function filesUnder(folder: string, suffix: string): SourceFile[] {
  const files: SourceFile[] = [];
  for (const entry of readdirSync(join(root, folder), { recursive: true, withFileTypes: true })) {
    const full = join(entry.parentPath, entry.name);
    if (!entry.isFile() || !entry.name.endsWith(suffix) || full.includes(`${sep}node_modules${sep}`))
      continue;
    files.push({
      path: full.slice(root.length + 1).replaceAll(sep, "/"),
      text: readFileSync(full, "utf8"),
    });
  }
  return files.toSorted((a, b) => (a.path < b.path ? -1 : 1));
}

/** Every `import`, `export … from` and `import(…)` outside of comments. */
export function importsOf(text: string): ImportLine[] {
  const code = text.replace(/\/\*[\s\S]*?\*\//g, "").replace(/^\s*\/\/.*$/gm, "");
  const pattern =
    /^\s*(?:import|export)\b(?<clause>[^;"'`]*?)\bfrom\s*"(?<from>[^"]+)"|^\s*import\s*"(?<bare>[^"]+)"|\bimport\(\s*"(?<lazy>[^"]+)"/gm;
  return [...code.matchAll(pattern)].map((match) => {
    const { clause = "", from, bare, lazy } = match.groups ?? {};
    return { specifier: from ?? bare ?? lazy ?? "", typeOnly: /^\s*type\b/.test(clause) };
  });
}
