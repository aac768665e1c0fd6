/** A program at a terminal, so that keys such as Ctrl-C do what they do there. */
import { eventually } from "./eventually.ts";
import { root } from "./mesh.ts";

const ctrlC = "\x03";

export class TerminalSession implements AsyncDisposable {
  readonly #child: Bun.Subprocess;
  #text = "";

  constructor(argv: readonly string[], env: Readonly<Record<string, string | undefined>>) {
    const decoder = new TextDecoder();
    this.#child = Bun.spawn([...argv], {
      env,
      cwd: root,
      // Options and not a terminal made before: only so it becomes the child's controlling one.
      terminal: {
        cols: 120,
        rows: 40,
        data: (_terminal, data) => void (this.#text += decoder.decode(data, { stream: true })),
      },
    });
  }

  get text(): string {
    return this.#text;
  }

  get exited(): Promise<number> {
    return this.#child.exited;
  }

  async until(text: string, timeoutMs = 20_000): Promise<void> {
    await eventually(() => {
      if (!this.#text.includes(text)) throw new Error(`${text} was not shown: ${this.#text}`);
    }, timeoutMs);
  }

  pressCtrlC(): void {
    this.#child.terminal?.write(ctrlC);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.kill("SIGKILL");
    await this.#child.exited;
    this.#child.terminal?.close();
  }
}
