/** How busy others keep this machine: times are judged all the same, but a reader must know. */
import { readFileSync } from "node:fs";

const usPerMs = 1_000;

export class CpuWait {
  readonly #beginMs = performance.now();
  readonly #beginUs = waitedUs();

  /** Of the time since the start, in [0, 1]. */
  get share(): number | undefined {
    const us = waitedUs();
    if (us === undefined || this.#beginUs === undefined) return undefined;
    return Math.min(1, (us - this.#beginUs) / usPerMs / (performance.now() - this.#beginMs));
  }
}

/** Pressure stall information (Linux 4.20): microseconds in which some task waited for a processor. */
function waitedUs(): number | undefined {
  try {
    const found = /^some .*total=(\d+)/m.exec(readFileSync("/proc/pressure/cpu", "utf8"));
    return found === null ? undefined : Number(found[1]);
  } catch {
    return undefined;
  }
}
