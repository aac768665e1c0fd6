/** When a changed endpoint reached each of its subscribers. */
import { latencies } from "../programs/print-report.ts";

export interface DeliveryReport {
  readonly changes: number;
  /** Subscribers that got their change. */
  readonly delivered: number;
  /** Subscribers that got a newer change of the same endpoint in its place. */
  readonly superseded: number;
  /** Subscribers that got it not at all. */
  readonly missing: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
}

interface Pending {
  readonly address: string;
  readonly startMs: number;
  left: number;
}

export class Deliveries {
  readonly #pending = new Map<string, Pending>();
  readonly #waitsMs: number[] = [];
  #changes = 0;
  #superseded = 0;

  /** The endpoint gets `address` from now on, which `subscribers` will be told. */
  begin(endpoint: string, address: string, subscribers: number, nowMs: number): void {
    this.#superseded += this.#pending.get(endpoint)?.left ?? 0;
    this.#pending.set(endpoint, { address, startMs: nowMs, left: subscribers });
    this.#changes++;
  }

  isAwaited(endpoint: string): boolean {
    return this.#pending.has(endpoint);
  }

  /** One subscriber has it live. */
  arrived(endpoint: string, address: string, nowMs: number): void {
    const pending = this.#pending.get(endpoint);
    if (pending === undefined || pending.address !== address) return;
    this.#waitsMs.push(nowMs - pending.startMs);
    pending.left--;
    if (pending.left === 0) this.#pending.delete(endpoint);
  }

  get isComplete(): boolean {
    return this.#pending.size === 0;
  }

  report(): DeliveryReport {
    const missing = [...this.#pending.values()].reduce((sum, { left }) => sum + left, 0);
    const { p50Ms = 0, p99Ms = 0, maxMs = 0 } = latencies(this.#waitsMs);
    return {
      changes: this.#changes,
      delivered: this.#waitsMs.length,
      superseded: this.#superseded,
      missing,
      p50Ms,
      p99Ms,
      maxMs,
    };
  }
}
