/**
 * The stream over which the control plane says what is to be tapped and gets what was seen. Open as long as the control plane is
 * there; when it ends, so does every tap.
 *
 *   offline --online--> open --ended--> waiting --time over--> open      any --offline--> offline
 */
import type { Clock, Timer } from "../../kernel/index.ts";
import type { TapHandler, TapSender } from "./agent.ts";
import { Backoff } from "./backoff.ts";
import type { ControlPlane, TapChannel } from "./control-plane.ts";

export interface TapStreamOptions {
  readonly controlPlane: Pick<ControlPlane, "openTaps">;
  readonly handler: TapHandler;
  readonly clock: Clock;
  /** In [0, 1). */
  readonly random: () => number;
}

/** Looking is never urgent for a proxy, and a control plane of before has no such stream at all. */
const reopenLimits = { minMs: 1_000, maxMs: 60_000 };

export class TapStream implements TapSender {
  readonly #options: TapStreamOptions;
  readonly #backoff: Backoff;
  #channel: TapChannel | undefined;
  #timer: Timer | undefined;
  #isOnline = false;

  constructor(options: TapStreamOptions) {
    this.#options = options;
    this.#backoff = new Backoff(reopenLimits, options.random);
  }

  /** The discovery stream opened or ended. */
  setOnline(isOnline: boolean): void {
    if (isOnline === this.#isOnline) return;
    this.#isOnline = isOnline;
    if (isOnline) this.#open();
    else this.close();
  }

  send(upload: Uint8Array): boolean {
    return this.#channel?.send(upload) ?? true;
  }

  close(): void {
    this.#isOnline = false;
    this.#timer?.cancel();
    this.#timer = undefined;
    const channel = this.#channel;
    this.#channel = undefined;
    channel?.close();
    if (channel !== undefined) this.#options.handler.onOrders(undefined);
  }

  #open(): void {
    const { controlPlane, handler, clock } = this.#options;
    this.#timer = undefined;
    const channel = controlPlane.openTaps({
      onOrders: (orders) => {
        if (this.#channel !== channel) return;
        this.#backoff.reset();
        handler.onOrders(orders);
      },
      onDrain: () => {
        if (this.#channel === channel) handler.onDrain();
      },
      onClosed: () => {
        if (this.#channel !== channel) return;
        this.#channel = undefined;
        handler.onOrders(undefined);
        if (this.#isOnline) this.#timer = clock.after(this.#backoff.nextMs(), () => this.#open());
      },
    });
    this.#channel = channel;
  }
}
