/** What a verb is given: the streams, the environment, and a place for its exit code. */
import type { Output } from "./output.ts";

export interface CliSurroundings {
  readonly output: Output;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Resolves to whether the answer is yes; undefined where nobody can be asked. */
  readonly ask?: ((question: string) => Promise<boolean>) | undefined;
}

export class Cli implements CliSurroundings {
  readonly output: Output;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** 0 unless the verb sets it: 1 where the answer is no. Errors have their own codes. */
  exitCode = 0;
  readonly ask: CliSurroundings["ask"];

  constructor({ output, env, ask }: CliSurroundings) {
    this.output = output;
    this.env = env;
    this.ask = ask;
  }
}
