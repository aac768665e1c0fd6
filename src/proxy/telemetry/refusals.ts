/** The newest requests and connections that policies did not let on, for whoever asks by the id that a caller was told. */
import type { Refusal } from "../../wire/index.ts";

/** A caller's complaint comes within minutes; under an attack the newest are as good as any. */
const maxKept = 256;
/** Between two reports to the control plane. */
const maxReported = 64;

export class RecentRefusals {
  readonly #max: number;
  readonly #ring: Refusal[] = [];
  #next = 0;
  #unreported: Refusal[] = [];

  constructor(max = maxKept) {
    this.#max = max;
  }

  add(refusal: Refusal): void {
    this.#ring[this.#next] = refusal;
    this.#next = (this.#next + 1) % this.#max;
    if (this.#unreported.length < maxReported) this.#unreported.push(refusal);
  }

  /** The newest of that id. */
  find(requestId: string): Refusal | undefined {
    return this.all().find((each) => each.requestId === requestId);
  }

  /** Newest first. */
  all(): Refusal[] {
    const { length } = this.#ring;
    return Array.from({ length }, (_, i) => this.#ring[(this.#next - 1 - i + 2 * length) % length]).filter(
      (each) => each !== undefined,
    );
  }

  /** Those since the call before, as far as they were kept. */
  take(): Refusal[] {
    const taken = this.#unreported;
    this.#unreported = [];
    return taken;
  }
}
