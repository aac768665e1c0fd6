/** The addresses of this machine, which come and go. */
import { networkInterfaces } from "node:os";
import { canonicalIp, type Clock, type Timer } from "../kernel/index.ts";

/** With links, leases and fail-over: no notice is given. */
const pollMs = 5_000;

/** In canonical text and sorted. */
export function machineAddresses(): string[] {
  const all = Object.values(networkInterfaces()).flatMap((addresses) => addresses ?? []);
  return [...new Set(all.flatMap(({ address }) => canonicalIp(address) ?? []))].toSorted();
}

export class MachineWatch {
  readonly #read: () => unknown;
  readonly #clock: Clock;
  readonly #onChange: () => void;
  #seen: unknown;
  #timer: Timer | undefined;

  /** `onChange` is told when what `read` gives, compared by its content, is not what it gave before. */
  constructor(read: () => unknown, clock: Clock, onChange: () => void) {
    this.#read = read;
    this.#clock = clock;
    this.#onChange = onChange;
    this.#seen = read();
    this.#schedule();
  }

  close(): void {
    this.#timer?.cancel();
  }

  #schedule(): void {
    this.#timer = this.#clock.after(pollMs, () => {
      const now = this.#read();
      const isNew = !Bun.deepEquals(now, this.#seen);
      this.#seen = now;
      this.#schedule();
      if (isNew) this.#onChange();
    });
  }
}
