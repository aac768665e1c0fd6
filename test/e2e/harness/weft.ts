/** The command line on its own, to its end: for what it refuses. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Finished, spawnProcess } from "./child-process.ts";
import { root, weftProgram } from "./mesh.ts";

const timeoutMs = 30_000;

export interface WeftOptions {
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly stdin?: string;
  /** The start of the command line that makes it somebody else. */
  readonly as?: readonly string[];
}

export function runWeft(args: readonly string[], options: WeftOptions = {}): Promise<Finished> {
  const { env, stdin, as = [] } = options;
  const child = spawnProcess([...as, weftProgram, ...args], {
    env: { ...process.env, WEFT_SERVER: undefined, ...env },
    cwd: root,
    ...(stdin === undefined ? {} : { stdin }),
  });
  return child.within(timeoutMs);
}

/** The lines of stderr; a refusal has one. */
export function linesOf({ stderr }: Finished): string[] {
  return stderr.split("\n").filter((line) => line.trim() !== "");
}

export class TemporaryFolder implements Disposable {
  readonly path = mkdtempSync(join(tmpdir(), "wt-"));

  [Symbol.dispose](): void {
    rmSync(this.path, { recursive: true, force: true });
  }
}
