/** A private file that grows: whole or absent at first, and what is added to it is on the disk once its write has ended. */
import { closeSync, constants, fstatSync, ftruncateSync, statSync, write } from "node:fs";
import { createPrivateFile, fileError } from "./private-file.ts";

const { O_APPEND, O_CREAT, O_DSYNC, O_EXCL, O_WRONLY } = constants;

export class PrivateLog {
  readonly #path: string;
  readonly #descriptor: number;
  #bytes: number;

  private constructor(path: string, descriptor: number, bytes: number) {
    this.#path = path;
    this.#descriptor = descriptor;
    this.#bytes = bytes;
  }

  /** In the place of what was there. Throws `io` or `permission`; that is then untouched. One writer at a time. */
  static async create(path: string, data: Uint8Array): Promise<PrivateLog> {
    const descriptor = await createPrivateFile(path, data, O_WRONLY | O_CREAT | O_EXCL | O_APPEND | O_DSYNC);
    return new PrivateLog(path, descriptor, data.length);
  }

  /** False: somebody has put another file in its place, taken it away, or made it longer or shorter. */
  get isInPlace(): boolean {
    const [own, there] = [fstatSync(this.#descriptor), statSync(this.#path, { throwIfNoEntry: false })];
    return there?.ino === own.ino && there.dev === own.dev && there.size === this.#bytes;
  }

  /** One thread's work. Throws `io`: then the file is as it was, or cannot be made so, and must be created anew. */
  async append(data: Uint8Array): Promise<void> {
    try {
      for (let written = 0; written < data.length; )
        written += await writeOnThread(this.#descriptor, data.subarray(written));
      this.#bytes += data.length;
    } catch (cause) {
      this.#cutBack();
      throw fileError("write", this.#path, cause);
    }
  }

  /** Not while something is written. */
  close(): void {
    closeSync(this.#descriptor);
  }

  #cutBack(): void {
    try {
      ftruncateSync(this.#descriptor, this.#bytes);
    } catch {
      // The error that is thrown says that something is wrong with the file.
    }
  }
}

function writeOnThread(descriptor: number, data: Uint8Array): Promise<number> {
  return new Promise((resolve, reject) => {
    write(descriptor, data, (error, written) => {
      if (error === null) resolve(written);
      else reject(error);
    });
  });
}
