/** A folder for weft alone, or why it cannot be had in words. */
import { mkdirSync } from "node:fs";
import { WeftError } from "../kernel/index.ts";

/** With its parents, mode 0700. `hint` says how to choose another. Throws WeftError `permission`, `io`. */
export function makeDirectory(path: string, hint: string): void {
  try {
    mkdirSync(path, { recursive: true, mode: 0o700 });
  } catch (cause) {
    const code = cause instanceof Error && "code" in cause ? cause.code : undefined;
    if (code === "EACCES" || code === "EPERM" || code === "EROFS") {
      throw new WeftError("permission", `make the folder ${path}: permission denied`, { cause, hint });
    }
    if (code === "EEXIST" || code === "ENOTDIR") {
      throw new WeftError("io", `${path} cannot be a folder: there is a file of that name`, { cause, hint });
    }
    throw new WeftError("io", `the folder ${path} cannot be made (${String(code)})`, { cause, hint });
  }
}
