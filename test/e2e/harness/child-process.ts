/** A child process whose output can be waited for line by line, with deadlines instead of sleeps. */

export interface Finished {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface SpawnOptions {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
  readonly stdin?: string;
}

type Stream = "stdout" | "stderr";

export function spawnProcess(argv: readonly string[], options: SpawnOptions): Running {
  return new Running(argv, options);
}

export class Running {
  readonly finished: Promise<Finished>;
  readonly #argv: readonly string[];
  readonly #child: Bun.Subprocess<"ignore" | Uint8Array, "pipe", "pipe">;
  readonly #text: Record<Stream, string> = { stdout: "", stderr: "" };
  readonly #listeners = new Set<() => void>();

  constructor(argv: readonly string[], { env, cwd, stdin }: SpawnOptions) {
    this.#argv = argv;
    this.#child = Bun.spawn([...argv], {
      env,
      cwd,
      stdin: stdin === undefined ? "ignore" : new TextEncoder().encode(stdin),
      stdout: "pipe",
      stderr: "pipe",
    });
    this.finished = this.#finish();
  }

  get pid(): number {
    return this.#child.pid;
  }

  get stdout(): string {
    return this.#text.stdout;
  }

  get stderr(): string {
    return this.#text.stderr;
  }

  kill(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  /** The first value that `read` makes of a line. Rejects when the process ends first, or the time is over. */
  async untilLine<T>(stream: Stream, timeoutMs: number, read: (line: string) => T | undefined): Promise<T> {
    const endMs = performance.now() + timeoutMs;
    for (;;) {
      const lines = this.#text[stream].split("\n");
      for (const line of lines.slice(0, -1)) {
        const value = read(line);
        if (value !== undefined) return value;
      }
      if (this.#child.exitCode !== null) throw new Error(`${this.#name()} ended: ${this.stderr}`);
      if (performance.now() >= endMs) throw new Error(`${this.#name()} said nothing in time: ${this.stderr}`);
      await this.#change(Math.max(1, endMs - performance.now()));
    }
  }

  /** How it ended, or a rejection when it does not in time; then it is killed. */
  async within(timeoutMs: number): Promise<Finished> {
    const timer = setTimeout(() => this.#child.kill("SIGKILL"), timeoutMs);
    const finished = await this.finished;
    clearTimeout(timer);
    return finished;
  }

  #name(): string {
    return this.#argv.slice(0, 4).join(" ");
  }

  #change(timeoutMs: number): Promise<void> {
    return new Promise((resolve) => {
      const done = (): void => {
        clearTimeout(timer);
        this.#listeners.delete(done);
        resolve();
      };
      const timer = setTimeout(done, timeoutMs);
      this.#listeners.add(done);
    });
  }

  async #finish(): Promise<Finished> {
    await Promise.all([this.#collect("stdout"), this.#collect("stderr")]);
    const code = await this.#child.exited;
    for (const listener of [...this.#listeners]) listener();
    return { code, stdout: this.stdout, stderr: this.stderr };
  }

  async #collect(stream: Stream): Promise<void> {
    const decoder = new TextDecoder();
    for await (const chunk of this.#child[stream]) {
      this.#text[stream] += decoder.decode(chunk, { stream: true });
      for (const listener of [...this.#listeners]) listener();
    }
  }
}
