/**
 * SHA-256 of programs' files: one at a time and in small parts, so that nothing else waits for it, and once for each file as
 * long as it does not change.
 */
import { createHash } from "node:crypto";
import type { BigIntStats } from "node:fs";
import type { FileHandle } from "node:fs/promises";

export interface ExecutableHashesOptions {
  /** Larger files are refused. Default: 512 MiB; the largest runtimes have a quarter of that. */
  readonly maxExecutableBytes?: number;
}

export type HashRefusal = "too_large" | "changed" | "aborted";

const defaultMaxExecutableBytes = 512 * 1024 * 1024;
/** A machine runs few different programs; 200 bytes each. */
const maxCached = 1_024;
/** Some 0.4 ms of work, during which nothing else is done. */
const partBytes = 256 * 1024;

export class ExecutableHashes {
  readonly #maxBytes: number;
  /** By device, inode, size and times; the least used first. Nobody can set a file's change time (`ctime`) as he likes. */
  readonly #known = new Map<string, string>();
  #last: Promise<unknown> = Promise.resolve();
  /** Files that were read to their end. */
  reads = 0;

  constructor({ maxExecutableBytes }: ExecutableHashesOptions = {}) {
    this.#maxBytes = maxExecutableBytes ?? defaultMaxExecutableBytes;
  }

  get maxExecutableBytes(): number {
    return this.#maxBytes;
  }

  /** In hex, or why there is none. `file` stays open and is the caller's. Rejects where it cannot be read. */
  async of(file: FileHandle, signal: AbortSignal): Promise<{ readonly sha256: string } | HashRefusal> {
    const stat = await file.stat({ bigint: true });
    if (stat.size > BigInt(this.#maxBytes)) return "too_large";
    const key = keyOf(stat);
    const known = this.#take(key);
    if (known !== undefined) return { sha256: known };
    const mine = this.#last.then(
      () => this.#read(file, key, signal),
      () => this.#read(file, key, signal),
    );
    // Whoever gives up does not hold up those behind it: a disk may never answer.
    this.#last = Promise.race([mine, aborted(signal)]).catch(() => undefined);
    return mine;
  }

  async #read(
    file: FileHandle,
    key: string,
    signal: AbortSignal,
  ): Promise<{ readonly sha256: string } | HashRefusal> {
    // Also where the hash is known by now: whoever has given up is told that, in whatever order files answer.
    if (signal.aborted) return "aborted";
    // Others that waited for the same file are done with the first one.
    const known = this.#take(key);
    if (known !== undefined) return { sha256: known };
    const hash = createHash("sha256");
    const part = new Uint8Array(partBytes);
    for (let offset = 0; ; ) {
      if (signal.aborted) return "aborted";
      const { bytesRead } = await file.read(part, 0, partBytes, offset);
      if (bytesRead === 0) break;
      offset += bytesRead;
      if (offset > this.#maxBytes) return "too_large";
      hash.update(part.subarray(0, bytesRead));
    }
    if (keyOf(await file.stat({ bigint: true })) !== key) return "changed";
    const sha256 = hash.digest("hex");
    this.reads++;
    this.#keep(key, sha256);
    return { sha256 };
  }

  #take(key: string): string | undefined {
    const known = this.#known.get(key);
    if (known !== undefined) this.#keep(key, known);
    return known;
  }

  #keep(key: string, sha256: string): void {
    this.#known.delete(key);
    this.#known.set(key, sha256);
    const oldest = this.#known.size > maxCached ? this.#known.keys().next().value : undefined;
    if (oldest !== undefined) this.#known.delete(oldest);
  }
}

function keyOf({ dev, ino, size, mtimeNs, ctimeNs }: BigIntStats): string {
  return `${dev} ${ino} ${size} ${mtimeNs} ${ctimeNs}`;
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener("abort", () => resolve(), { once: true });
  });
}
