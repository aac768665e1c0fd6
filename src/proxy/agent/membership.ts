/**
 * The workload's membership: announced once the proxy listens, said again on each new stream (a control plane that
 * lost its memory must learn of us), and taken back when it leaves.
 */
import { create } from "@bufbuild/protobuf";
import { type Clock, errorLine, type Log, type Timer } from "../../kernel/index.ts";
import { LeaveRequestSchema, type RegisterRequest } from "../../wire/index.ts";
import { Backoff } from "./backoff.ts";
import type { ControlPlane } from "./control-plane.ts";

export interface MembershipOptions {
  readonly controlPlane: Pick<ControlPlane, "register" | "leave">;
  readonly clock: Clock;
  readonly log: Log;
  readonly random: () => number;
}

const retryLimits = { minMs: 200, maxMs: 15_000 };

export class Membership {
  readonly #options: MembershipOptions;
  readonly #backoff: Backoff;
  #request: RegisterRequest | undefined;
  #isOnline = false;
  #isLeaving = false;
  #isRegistered = false;
  #isAsking = false;
  #timer: Timer | undefined;
  #lastError = "";

  constructor(options: MembershipOptions) {
    this.#options = options;
    this.#backoff = new Backoff(retryLimits, options.random);
  }

  get isAnnounced(): boolean {
    return this.#request !== undefined;
  }

  announce(request: RegisterRequest): void {
    this.#request = request;
    this.#isRegistered = false;
    this.#sync();
  }

  /** A stream opened or ended. */
  setOnline(isOnline: boolean): void {
    this.#isOnline = isOnline;
    this.#isRegistered = false;
    this.#timer?.cancel();
    this.#timer = undefined;
    this.#sync();
  }

  /** Not registered again from now on. A control plane that is not reached forgets us when the lease is over. */
  async leave(drainOnly: boolean): Promise<void> {
    this.#isLeaving = true;
    this.#timer?.cancel();
    const request = this.#request;
    if (request === undefined) return;
    const { namespace, name } = request;
    try {
      await this.#options.controlPlane.leave(create(LeaveRequestSchema, { namespace, name, drainOnly }));
    } catch (error) {
      this.#options.log.warn("the control plane was not told that this workload leaves", {
        error: errorLine(error),
      });
    }
  }

  close(): void {
    this.#isLeaving = true;
    this.#timer?.cancel();
  }

  #sync(): void {
    if (
      this.#isOnline &&
      this.#request !== undefined &&
      !this.#isRegistered &&
      !this.#isLeaving &&
      !this.#isAsking
    ) {
      void this.#register(this.#request);
    }
  }

  async #register(request: RegisterRequest): Promise<void> {
    const { controlPlane, clock, log } = this.#options;
    this.#isAsking = true;
    let delayMs: number | undefined;
    try {
      await controlPlane.register(request);
      this.#isRegistered = request === this.#request;
      this.#lastError = "";
      this.#backoff.reset();
    } catch (error) {
      const line = errorLine(error);
      if (line !== this.#lastError)
        log.warn("the workload is not registered yet; trying again", { error: line });
      this.#lastError = line;
      delayMs = this.#backoff.nextMs();
    }
    this.#isAsking = false;
    if (delayMs === undefined) this.#sync();
    else if (!this.#isLeaving && this.#isOnline) this.#timer = clock.after(delayMs, () => this.#sync());
  }
}
