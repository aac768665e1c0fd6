/**
 * How many connections one address may open on the port for proxies, told before a handshake costs anything: a flood from one
 * machine leaves the port to the others. Proxies that are turned away come again by themselves, each time later.
 */
import type { Clock } from "../kernel/index.ts";

/** All proxies of a large machine come back at once when the control plane was away. */
const burst = 2_000;
/** A handshake takes half a millisecond of the one core: half of what it can do. */
const perSecond = 500;
/** The one that came longest ago is forgotten for a new one. */
const maxAddresses = 8_192;

export class ConnectionRate {
  readonly #clock: Clock;
  readonly #buckets = new Map<string, { left: number; atMs: number }>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  admits(address: string): boolean {
    const nowMs = this.#clock.nowMs();
    const bucket = this.#buckets.get(address) ?? { left: burst, atMs: nowMs };
    this.#buckets.delete(address);
    this.#buckets.set(address, bucket);
    const [oldest] = this.#buckets.keys();
    if (this.#buckets.size > maxAddresses && oldest !== undefined) this.#buckets.delete(oldest);
    bucket.left = Math.min(burst, bucket.left + (Math.max(0, nowMs - bucket.atMs) * perSecond) / 1000);
    bucket.atMs = nowMs;
    if (bucket.left < 1) return false;
    bucket.left--;
    return true;
  }
}
