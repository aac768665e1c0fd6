/** The command line's streams: results on stdout, everything else on stderr, colour and width only where a terminal is. */

export interface OutputOptions {
  readonly out: (text: string) => void;
  readonly err: (text: string) => void;
  /** Columns of the terminal; undefined where stdout is none. */
  readonly width?: number;
  readonly height?: number;
  readonly colour?: boolean;
  /** Waits until everything written has left. */
  readonly flush?: () => Promise<void>;
}

export type Style = "bold" | "dim" | "red" | "green" | "yellow" | "cyan";

const styleCodes: Record<Style, number> = { bold: 1, dim: 2, red: 31, green: 32, yellow: 33, cyan: 36 };

export class Output {
  readonly width: number | undefined;
  readonly height: number | undefined;
  readonly #options: OutputOptions;

  constructor(options: OutputOptions) {
    this.#options = options;
    this.width = options.width;
    this.height = options.height;
  }

  static ofProcess(process: NodeJS.Process): Output {
    const { stdout, stderr, env } = process;
    // `weft get … | head` closes the pipe: that is no failure of ours.
    stdout.on("error", (error: NodeJS.ErrnoException) => process.exit(error.code === "EPIPE" ? 0 : 1));
    const isTerminal = stdout.isTTY;
    return new Output({
      out: (text) => void stdout.write(text),
      err: (text) => void stderr.write(text),
      ...(isTerminal ? { width: stdout.columns, height: stdout.rows } : {}),
      colour: isTerminal && (env["NO_COLOR"] ?? "") === "" && env["TERM"] !== "dumb",
      flush: () => new Promise((resolve) => stdout.write("", () => resolve())),
    });
  }

  get isTerminal(): boolean {
    return this.width !== undefined;
  }

  /** Part of the result, as it is. */
  write(text: string): void {
    this.#options.out(text);
  }

  /** One line of the result. */
  line(text: string): void {
    this.#options.out(`${text}\n`);
  }

  /** One line for the person, not for a program that reads the result. */
  note(text: string): void {
    this.#options.err(`${text}\n`);
  }

  styled(style: Style, text: string): string {
    return this.#options.colour === true ? `\u001b[${styleCodes[style]}m${text}\u001b[0m` : text;
  }

  async flush(): Promise<void> {
    await this.#options.flush?.();
  }
}
