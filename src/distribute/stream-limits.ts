/** How many discovery streams one workload and one identity may have: what a single stolen certificate can cost. */
import type { AdsRefusal } from "./ads-session.ts";

/** A proxy has one, and for a moment a second while it reconnects. */
const maxStreamsOfWorkload = 8;
/** Every instance of a service has the identity of its account. */
const maxStreamsOfIdentity = 4_096;

export class StreamLimits {
  readonly #workloads = new Map<string, number>();
  readonly #identities = new Map<string, number>();

  /** Undefined: it is counted, until `leave`. */
  enter(identity: string, workload: string): AdsRefusal | undefined {
    const ofWorkload = this.#workloads.get(workload) ?? 0;
    const ofIdentity = this.#identities.get(identity) ?? 0;
    if (ofWorkload >= maxStreamsOfWorkload) {
      return { code: "resource_exhausted", message: `${workload} has ${ofWorkload} streams already` };
    }
    if (ofIdentity >= maxStreamsOfIdentity) {
      return { code: "resource_exhausted", message: `${identity} has ${ofIdentity} streams already` };
    }
    this.#workloads.set(workload, ofWorkload + 1);
    this.#identities.set(identity, ofIdentity + 1);
    return undefined;
  }

  leave(identity: string, workload: string): void {
    lower(this.#workloads, workload);
    lower(this.#identities, identity);
  }
}

function lower(counts: Map<string, number>, key: string): void {
  const count = (counts.get(key) ?? 0) - 1;
  if (count > 0) counts.set(key, count);
  else counts.delete(key);
}
