/** Reads the documents of `-f PATH…`: files, folders (not their subfolders), or `-` for stdin. Every problem is reported at once. */
import { readFileSync } from "node:fs";
import { parseYamlDocuments, type SourceDocument } from "../api/index.ts";
import { type Issue, WeftError } from "../kernel/index.ts";
import { listFiles, unreadable } from "./list-files.ts";

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

function readOne(file: string): Uint8Array {
  try {
    return readFileSync(file);
  } catch (error) {
    throw unreadable(file, error);
  }
}
