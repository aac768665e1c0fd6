/** Reads the documents of `-f PATH…`: files, folders (not their subfolders), or `-` for stdin. Every problem is reported at once. */
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { parseYamlDocuments, type SourceDocument } from "../api/index.ts";
import { type Issue, WeftError } from "../kernel/index.ts";

const suffixes = [".yaml", ".yml", ".json"];

/** Throws `bad_input` with every issue where there is one. */
export async function readFiles(paths: readonly string[]): Promise<readonly SourceDocument[]> {
  const documents: SourceDocument[] = [];
  const issues: Issue[] = [];
  for (const path of paths) {
    for (const { file, input } of await readPath(path)) {
      const result = parseYamlDocuments(input, file);
      documents.push(...result.documents);
      issues.push(...result.issues);
    }
  }
  refuse(issues);
  return documents;
}

export function refuse(issues: readonly Issue[]): void {
  if (issues.length === 0) return;
  throw new WeftError("bad_input", `${issues.length} problems in the files`, { issues });
}

async function readPath(path: string): Promise<{ file: string; input: Uint8Array }[]> {
  if (path === "-") return [{ file: "stdin", input: await Bun.stdin.bytes() }];
  return listFiles([path]).map((file) => ({ file, input: readOne(file) }));
}

/** The files that are read for these paths, none of them stdin. Throws `bad_input` where a path cannot be read. */
export function listFiles(paths: readonly string[]): string[] {
  return paths.flatMap((path) => {
    try {
      if (!statSync(path).isDirectory()) return [path];
      return (
        readdirSync(path)
          // Hidden ones are editors' locks and copies, and what Kubernetes keeps beside a mounted ConfigMap.
          .filter((name) => !name.startsWith(".") && suffixes.some((suffix) => name.endsWith(suffix)))
          .toSorted()
          .map((name) => join(path, name))
      );
    } catch (error) {
      throw unreadable(path, error);
    }
  });
}

function readOne(file: string): Uint8Array {
  try {
    return readFileSync(file);
  } catch (error) {
    throw unreadable(file, error);
  }
}

function unreadable(path: string, error: unknown): WeftError {
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  if (code === "ENOENT") return new WeftError("bad_input", `${path} does not exist`, { cause: error });
  if (code === "EACCES") return new WeftError("bad_input", `${path} may not be read`, { cause: error });
  return new WeftError("bad_input", `${path} cannot be read: ${String(code)}`, { cause: error });
}
