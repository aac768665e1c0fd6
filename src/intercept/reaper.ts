/**
 * Learns of the end of processes that `launch` started, and of no others: it waits for each by its number, so that
 * children of `Bun.spawn` stay Bun's. Driven by SIGCHLD, and by a slow tick in case another part takes that signal.
 */
import type { Exit } from "./launch-spec.ts";
import { native } from "./native-calls.ts";

/** Only a safety net: SIGCHLD is what normally tells. It also keeps the event loop alive while a child runs. */
const tickMs = 500;

export class Reaper {
  readonly #waiting = new Map<number, (exit: Exit) => void>();
  readonly #onSignal = (): void => this.collect();
  #timer: ReturnType<typeof setInterval> | undefined;

  isRunning(pid: number): boolean {
    return this.#waiting.has(pid);
  }

  watch(pid: number): Promise<Exit> {
    return new Promise((resolve) => {
      this.#waiting.set(pid, resolve);
      if (this.#timer === undefined) {
        this.#timer = setInterval(this.#onSignal, tickMs);
        process.on("SIGCHLD", this.#onSignal);
      }
      // It may have ended before the handler was there.
      queueMicrotask(this.#onSignal);
    });
  }

  collect(): void {
    const status = new Int32Array(1);
    for (const [pid, resolve] of this.#waiting) {
      const result = native().wait(pid, status, false);
      if (result === 0) continue;
      this.#waiting.delete(pid);
      // A negative result means that something else reaped it: its status is lost, its end is not.
      resolve(result < 0 ? { kind: "code", code: lostStatus } : decodeStatus(status[0] ?? 0));
    }
    if (this.#waiting.size > 0 || this.#timer === undefined) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
    process.off("SIGCHLD", this.#onSignal);
  }
}

/** What a shell says of a program that it cannot tell anything else about. */
const lostStatus = 255;

/** The layout of wait(2): the low seven bits are the signal, or zero and the next byte the code. */
export function decodeStatus(status: number): Exit {
  const signal = status & 0x7f;
  return signal === 0 ? { kind: "code", code: (status >> 8) & 0xff } : { kind: "signal", signal };
}
