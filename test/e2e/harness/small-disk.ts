/** A file system of a few megabytes that a test may fill. Mounting one needs root. */
import { closeSync, openSync, rmSync, writeSync } from "node:fs";
import { join } from "node:path";
import { TemporaryFolder } from "./weft.ts";

const firstChunkBytes = 1 << 20;
const maxChunks = 1_000;

export class SmallDisk implements Disposable {
  readonly path: string;
  readonly #folder = new TemporaryFolder();
  readonly #filler: string;

  /** Throws where this user may not mount. */
  constructor(megabytes: number) {
    this.path = this.#folder.path;
    this.#filler = join(this.path, "filler");
    const options = `size=${megabytes}m,mode=0700`;
    const { success, stderr } = Bun.spawnSync(["mount", "-t", "tmpfs", "-o", options, "tmpfs", this.path]);
    if (success) return;
    this.#folder[Symbol.dispose]();
    throw new Error(`a small disk cannot be mounted: ${stderr.toString().trim().split("\n")[0]}`);
  }

  /** Why tests that need one cannot run here; undefined where they can. */
  static refusal(): string | undefined {
    if (process.getuid?.() !== 0) return "mounting a small disk needs root";
    try {
      using _disk = new SmallDisk(1);
      return undefined;
    } catch (error) {
      return error instanceof Error ? error.message : String(error);
    }
  }

  /** To the last byte. */
  fill(): void {
    const fd = openSync(this.#filler, "w");
    for (let size = firstChunkBytes; size > 0; size >>= 1) fillWith(fd, Buffer.alloc(size, 1));
    closeSync(fd);
  }

  free(): void {
    rmSync(this.#filler);
  }

  [Symbol.dispose](): void {
    Bun.spawnSync(["umount", "--lazy", this.path]);
    this.#folder[Symbol.dispose]();
  }
}

function fillWith(fd: number, chunk: Uint8Array): void {
  for (let i = 0; i < maxChunks; i++) {
    try {
      if (writeSync(fd, chunk) < chunk.length) return;
    } catch {
      return;
    }
  }
  throw new Error("the small disk does not fill");
}
