/** Which workloads have a stream: told on the first and after the last, for one that reconnects has two for a moment. */
import type { ProxyIdentity } from "./wishes.ts";

export interface PresenceListener {
  connected(workload: string, role: ProxyIdentity["role"]): void;
  /** With each stream, after `connected`: what its proxy says of itself. */
  introduced(identity: ProxyIdentity): void;
  disconnected(workload: string, role: ProxyIdentity["role"]): void;
}

export class Presence {
  readonly #listener: PresenceListener;
  readonly #streams = new Map<string, number>();

  constructor(listener: PresenceListener) {
    this.#listener = listener;
  }

  enter(identity: ProxyIdentity): void {
    const { workload, role } = identity;
    const streams = this.#streams.get(workload) ?? 0;
    this.#streams.set(workload, streams + 1);
    if (streams === 0) this.#listener.connected(workload, role);
    this.#listener.introduced(identity);
  }

  leave({ workload, role }: ProxyIdentity): void {
    const streams = (this.#streams.get(workload) ?? 0) - 1;
    if (streams > 0) {
      this.#streams.set(workload, streams);
      return;
    }
    this.#streams.delete(workload);
    this.#listener.disconnected(workload, role);
  }
}
