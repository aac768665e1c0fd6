/** Starts the programs of a bench run pinned to a core, and ends exactly those. Groups nest: a peer's group can end before the run's. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** Proxies have this core to themselves; the load generator and the upstream share the other. */
export const proxyCore = 0;
export const loadCore = 1;
export const bothCores = `${proxyCore},${loadCore}`;

/** As taskset takes them: one, or a list. */
export type Cores = number | typeof bothCores;

const stopTimeoutMs = 5_000;
const defaultListenTimeoutMs = 15_000;
const pollMs = 20;
/** What of a program's log an error quotes. */
const maxQuotedLogBytes = 600;

/** Descriptors for ten thousand connections (where the user may not raise the limit: as many as allowed), then the core, then the program itself: each replaces the one before, so the pid stays. */
const pinned = 'ulimit -n 65536 2>/dev/null || ulimit -n "$(ulimit -Hn)"; exec taskset -c "$0" "$@"';

export interface StartOptions {
  readonly env?: Readonly<Record<string, string>>;
  /** "pipe": the caller reads standard output and may end the program by closing its standard input. */
  readonly io?: "log" | "pipe";
}

export class Bench implements AsyncDisposable {
  readonly directory: string;
  readonly #children: Bun.Subprocess[] = [];
  readonly #groups = new Set<Bench>();
  readonly #onDisposed: () => void;
  #nextLog = 0;

  private constructor(directory: string, onDisposed: () => void) {
    this.directory = directory;
    this.#onDisposed = onDisposed;
  }

  static open(): Bench {
    return new Bench(mkdtempSync(join(tmpdir(), "weft-bench-")), () => {});
  }

  /** Programs and files of their own, ended with this one at the latest. */
  group(name: string): Bench {
    const directory = join(this.directory, name);
    mkdirSync(directory, { recursive: true });
    const group: Bench = new Bench(directory, () => this.#groups.delete(group));
    this.#groups.add(group);
    return group;
  }

  /** Its output is in a file of the group's directory. */
  start(cores: Cores, command: readonly string[], options: StartOptions = {}): BenchProcess {
    const logFile = join(this.directory, `${this.#nextLog++}.log`);
    const isPipe = options.io === "pipe";
    const child = Bun.spawn(["sh", "-c", pinned, String(cores), ...command], {
      cwd: this.directory,
      env: { ...process.env, ...options.env },
      stdin: isPipe ? "pipe" : "ignore",
      stdout: isPipe ? "pipe" : Bun.file(logFile),
      stderr: Bun.file(`${logFile}.err`),
    });
    this.#children.push(child);
    return new BenchProcess(command[0] ?? "", child, logFile);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const group of [...this.#groups]) await group[Symbol.asyncDispose]();
    await Promise.all(this.#children.splice(0).map(stop));
    rmSync(this.directory, { recursive: true, force: true });
    this.#onDisposed();
  }
}

async function stop(child: Bun.Subprocess): Promise<void> {
  child.kill("SIGTERM");
  await Promise.race([child.exited, Bun.sleep(stopTimeoutMs)]);
  if (child.exitCode === null && child.signalCode === null) child.kill("SIGKILL");
  await child.exited;
}

export class BenchProcess {
  readonly program: string;
  readonly child: Bun.Subprocess;
  readonly #logFile: string;

  constructor(program: string, child: Bun.Subprocess, logFile: string) {
    this.program = program;
    this.child = child;
    this.#logFile = logFile;
  }

  get pid(): number {
    return this.child.pid;
  }

  /** Resolves once something accepts connections there; rejects when the program ends first or after `timeoutMs`. */
  async listening(port: number, address = "127.0.0.1", timeoutMs = defaultListenTimeoutMs): Promise<void> {
    const deadline = Date.now() + timeoutMs;
    while (Date.now() < deadline) {
      if (await accepts(port, address)) return;
      if (this.child.exitCode !== null)
        throw new Error(`${this.program} ended with ${this.child.exitCode}: ${this.lastWords()}`);
      await Bun.sleep(pollMs);
    }
    throw new Error(
      `${this.program} did not listen on ${address}:${port} within ${timeoutMs} ms: ${this.lastWords()}`,
    );
  }

  /** Resolves with the first group of what it writes to its log; rejects as `listening` does. */
  async wrote(pattern: RegExp, timeoutMs = defaultListenTimeoutMs): Promise<string> {
    const deadline = Date.now() + timeoutMs;
    while (Date.now() < deadline) {
      const found = pattern.exec(this.#log())?.[1];
      if (found !== undefined) return found;
      if (this.child.exitCode !== null)
        throw new Error(`${this.program} ended with ${this.child.exitCode}: ${this.lastWords()}`);
      await Bun.sleep(pollMs);
    }
    throw new Error(`${this.program} was not ready within ${timeoutMs} ms: ${this.lastWords()}`);
  }

  /** All that it writes to standard output until it ends. Of `io: "pipe"` only. */
  output(): Promise<string> {
    return new Response(this.#pipe()).text();
  }

  #pipe(): ReadableStream<Uint8Array<ArrayBuffer>> {
    const { stdout } = this.child;
    if (!(stdout instanceof ReadableStream)) throw new Error(`${this.program} has no pipe`);
    return stdout;
  }

  /** Its standard output line by line; undefined at its end. Of `io: "pipe"` only. */
  lines(): { next(): Promise<string | undefined> } {
    const reader = this.#pipe().pipeThrough(new TextDecoderStream()).getReader();
    let text = "";
    const next = async (): Promise<string | undefined> => {
      for (;;) {
        const end = text.indexOf("\n");
        if (end >= 0) {
          const line = text.slice(0, end);
          text = text.slice(end + 1);
          return line;
        }
        const { value, done } = await reader.read();
        if (done) return undefined;
        text += value;
      }
    };
    return { next };
  }

  /** Of `io: "pipe"` only. */
  endInput(): void {
    const { stdin } = this.child;
    if (typeof stdin === "object") void stdin.end();
  }

  /** The end of what it wrote. */
  lastWords(): string {
    return this.#log().trim().slice(-maxQuotedLogBytes);
  }

  #log(): string {
    const texts = [this.#logFile, `${this.#logFile}.err`].map((file) => {
      try {
        return readFileSync(file, "utf8");
      } catch {
        return "";
      }
    });
    return texts.join("");
  }
}

function accepts(port: number, address: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, address);
    socket.once("connect", () => {
      resolve(true);
      socket.destroy();
    });
    socket.once("error", () => resolve(false));
  });
}

/** Below the range from which the kernel gives connections their own ports, and above what services usually have. */
const firstPort = 16_000;
const lastPort = 32_000;
const maxPortTries = 100;

/**
 * A port that was free a moment ago, for programs that cannot bind port 0 and report it. Chance keeps runs that happen at the
 * same time apart.
 */
export function freePort(): number {
  for (let tries = 0; tries < maxPortTries; tries++) {
    const port = firstPort + Math.floor(Math.random() * (lastPort - firstPort));
    try {
      Bun.listen({ hostname: "127.0.0.1", port, socket: { data() {} } }).stop(true);
      return port;
    } catch {
      // Somebody has it: the next one.
    }
  }
  throw new Error(`no free port between ${firstPort} and ${lastPort}`);
}
