/** What a verb is given: the streams, the environment, and a place for its exit code. */
import type { Output } from "./output.ts";

export interface CliSurroundings {
  readonly output: Output;
  readonly env: Readonly<Record<string, string | undefined>>;
}

export class Cli implements CliSurroundings {
  readonly output: Output;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** 0 unless the verb sets it: 1 where the answer is no. Errors have their own codes. */
  exitCode = 0;

  constructor({ output, env }: CliSurroundings) {
    this.output = output;
    this.env = env;
  }
}
