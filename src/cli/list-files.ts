/** Which files `-f PATH…` means: files, and folders without their subfolders. */
import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { WeftError } from "../kernel/index.ts";

const suffixes = [".yaml", ".yml", ".json"];

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

export function unreadable(path: string, error: unknown): WeftError {
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  if (code === "ENOENT") return new WeftError("bad_input", `${path} does not exist`, { cause: error });
  if (code === "EACCES") return new WeftError("bad_input", `${path} may not be read`, { cause: error });
  return new WeftError("bad_input", `${path} cannot be read: ${String(code)}`, { cause: error });
}
