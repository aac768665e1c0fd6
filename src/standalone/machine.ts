/** Where gateways of this process are served: its own address, and those of the machine, which come and go. */
import { networkInterfaces } from "node:os";
import type { GatewayHost } from "../compile/index.ts";
import { canonicalIp, type Clock, type Timer } from "../kernel/index.ts";

/** With links, leases and fail-over: no notice is given. */
const pollMs = 5_000;

/** `address`: where Gateways listen that name no address of their own. */
export function gatewayHost(address: string): GatewayHost {
  return { address: canonicalIp(address) ?? address, addresses: machineAddresses() };
}

/** In canonical text and sorted. */
function machineAddresses(): string[] {
  const all = Object.values(networkInterfaces()).flatMap((addresses) => addresses ?? []);
  return [...new Set(all.flatMap(({ address }) => canonicalIp(address) ?? []))].toSorted();
}

export class MachineWatch {
  readonly #read: () => GatewayHost;
  readonly #clock: Clock;
  readonly #onChange: () => void;
  #seen: GatewayHost;
  #timer: Timer | undefined;

  /** `onChange` is told of what has changed since now, once for each change. */
  constructor(read: () => GatewayHost, clock: Clock, onChange: () => void) {
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
