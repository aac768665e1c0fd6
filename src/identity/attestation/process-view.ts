/**
 * What the kernel says of a process, read when it is asked for. At the end `check` tells whether all of it was about one and the
 * same process, in one and the same program.
 */
import { type BigIntStats } from "node:fs";
import { type FileHandle, open, readFile, readlink, stat } from "node:fs/promises";
import { errorLine } from "../../kernel/index.ts";
import type { ExecutableHashes } from "./executable-hashes.ts";

/** Why a process gets no ticket. */
export type ProcessRefusal =
  | "no_rule"
  | "unreadable"
  | "too_large"
  | "gone"
  | "timeout"
  | "rate_limited"
  | "overloaded"
  | "unknown_peer"
  | "exhausted"
  | "malformed";

export interface AttributeRefusal {
  readonly refusal: ProcessRefusal;
  readonly detail: string;
}

/** As the kernel wrote them down when the process connected. */
interface ProcessCredentials {
  readonly pid: number;
  readonly uid: number;
  readonly gid: number;
}

export interface ProcessViewOptions {
  readonly credentials: ProcessCredentials;
  readonly hashes: ExecutableHashes;
  /** Ends the reading of a file. */
  readonly signal: AbortSignal;
  /** Another place than /proc, for tests. */
  readonly proc?: string;
}

type Read<T> = T | AttributeRefusal;

export class ProcessView {
  readonly uid: number;
  readonly gid: number;
  readonly #directory: string;
  readonly #options: ProcessViewOptions;
  /** In clock ticks since the machine started. */
  readonly startTicks: number;
  #cgroups: ReadonlyMap<string, string> | undefined;
  /** Also while it is being opened, so that whoever closes this closes it. */
  #file: Promise<FileHandle> | undefined;
  #fileStat: BigIntStats | undefined;
  #isClosed = false;
  #sha256: string | undefined;

  private constructor(options: ProcessViewOptions, directory: string, startTicks: number) {
    this.#options = options;
    this.#directory = directory;
    this.startTicks = startTicks;
    this.uid = options.credentials.uid;
    this.gid = options.credentials.gid;
  }

  static async open(options: ProcessViewOptions): Promise<Read<ProcessView>> {
    const directory = `${options.proc ?? "/proc"}/${options.credentials.pid}`;
    const startTicks = await startTicksOf(directory);
    return startTicks === undefined ? gone : new ProcessView(options, directory, startTicks);
  }

  /** "": the unified hierarchy. Undefined: there is no such hierarchy. */
  async cgroup(controller: string): Promise<Read<string | undefined>> {
    try {
      this.#cgroups ??= parseCgroups(await readFile(`${this.#directory}/cgroup`, "utf8"));
    } catch (error) {
      return unreadable("its cgroup", error);
    }
    return this.#cgroups.get(controller);
  }

  /**
   * By device and inode: the text that the kernel has for a program's path is that of the program's own mounts, so anybody who
   * may make mounts of his own could run what he likes "at" any path.
   */
  async runs(path: string): Promise<Read<boolean>> {
    const running = await this.#executable();
    if ("refusal" in running) return running;
    try {
      const { dev, ino } = await stat(path, { bigint: true });
      return dev === running.stat.dev && ino === running.stat.ino;
    } catch (error) {
      const code = error instanceof Error && "code" in error ? error.code : undefined;
      return code === "ENOENT" || code === "ENOTDIR" ? false : unreadable(path, error);
    }
  }

  async sha256(): Promise<Read<string>> {
    if (this.#sha256 !== undefined) return this.#sha256;
    const running = await this.#executable();
    if ("refusal" in running) return running;
    const { hashes, signal } = this.#options;
    try {
      const result = await hashes.of(running.file, signal);
      if (typeof result === "object") return (this.#sha256 = result.sha256);
      if (result === "too_large") {
        const detail = `its executable is larger than ${hashes.maxExecutableBytes} bytes`;
        return { refusal: "too_large", detail };
      }
      if (result === "aborted") return gone;
      return { refusal: "unreadable", detail: "its executable changed while it was read" };
    } catch (error) {
      return unreadable("its executable", error);
    }
  }

  /** Undefined: the process that is there now is the one from the beginning, and runs what was looked at. */
  async check(): Promise<AttributeRefusal | undefined> {
    if (this.#fileStat !== undefined) {
      try {
        const now = await stat(`${this.#directory}/exe`, { bigint: true });
        const isSame = now.dev === this.#fileStat.dev && now.ino === this.#fileStat.ino;
        if (!isSame) return { refusal: "gone", detail: "it became another program meanwhile" };
      } catch {
        return gone;
      }
    }
    // Last, so that it speaks for all that was read before.
    return (await startTicksOf(this.#directory)) === this.startTicks ? undefined : gone;
  }

  /** For the log: what was looked at, and nothing that was not asked for. */
  async described(): Promise<Record<string, string>> {
    const file =
      this.#file === undefined ? undefined : await readlink(`${this.#directory}/exe`).catch(() => "");
    return {
      ...(this.#cgroups === undefined ? {} : { cgroup: this.#cgroups.get("") ?? "" }),
      ...(file === undefined ? {} : { executable: file }),
      ...(this.#sha256 === undefined ? {} : { sha256: this.#sha256 }),
    };
  }

  /** Whoever still reads is told that the process is gone. */
  async close(): Promise<void> {
    this.#isClosed = true;
    const file = await this.#file?.catch(() => undefined);
    await file?.close();
  }

  async #executable(): Promise<Read<{ readonly file: FileHandle; readonly stat: BigIntStats }>> {
    if (this.#isClosed) return gone;
    try {
      this.#file ??= open(`${this.#directory}/exe`, "r");
      const file = await this.#file;
      this.#fileStat ??= await file.stat({ bigint: true });
      return { file, stat: this.#fileStat };
    } catch (error) {
      return unreadable("its executable", error);
    }
  }
}

const gone: AttributeRefusal = { refusal: "gone", detail: "the process is no more" };

function unreadable(what: string, error: unknown): AttributeRefusal {
  return { refusal: "unreadable", detail: `${what} cannot be read: ${errorLine(error)}` };
}

/** Field 22 of proc(5)'s stat. The second one is the program's name and may hold anything, parentheses too. */
async function startTicksOf(directory: string): Promise<number | undefined> {
  let text: string;
  try {
    text = await readFile(`${directory}/stat`, "utf8");
  } catch {
    return undefined; // there is no such process
  }
  const [state = "", ...fields] = text.slice(text.lastIndexOf(")") + 2).split(" ");
  const ticks = Number(fields[18]);
  return state === "Z" || state === "X" || !Number.isSafeInteger(ticks) ? undefined : ticks;
}

/** Lines of `id:controllers:path`; the unified hierarchy has no controllers. */
function parseCgroups(text: string): ReadonlyMap<string, string> {
  const paths = new Map<string, string>();
  for (const line of text.split("\n")) {
    const [, controllers, path] = /^\d+:([^:]*):(\/.*)$/.exec(line) ?? [];
    if (controllers === undefined || path === undefined) continue;
    for (const controller of controllers.split(",")) paths.set(controller, path);
  }
  return paths;
}
