/** A process that ends when a test says so. */
import type { Exit, Launched } from "../../intercept/index.ts";

export class FakeLaunched implements Launched {
  readonly pid: number;
  readonly exited: Promise<Exit>;
  readonly pipes = new Map<number, number>();
  readonly signals: number[] = [];
  readonly #diesOf: ReadonlySet<number>;
  #end: (exit: Exit) => void = () => {};

  constructor(pid: number, diesOf: readonly number[] = [9, 15]) {
    this.pid = pid;
    this.#diesOf = new Set(diesOf);
    this.exited = new Promise((resolve) => {
      this.#end = resolve;
    });
  }

  end(exit: Exit): void {
    this.#end(exit);
  }

  kill(signal: number): boolean {
    this.signals.push(signal);
    if (this.#diesOf.has(signal)) this.#end({ kind: "signal", signal });
    return true;
  }
}
