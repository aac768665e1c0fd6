/** Says who was refused at a door and why. Whoever is refused may try as often as it likes, so the lines are bounded in time. */
import { type Clock, type Log, type ReasonCode, reasons } from "../../kernel/index.ts";
import type { Door } from "./metrics.ts";

export interface RefusedPeer {
  readonly reason: ReasonCode;
  readonly detail: string;
  /** Where it came from, or where it was dialled. */
  readonly peer: string;
}

/** As many as a person reads who looks for the cause; the metric counts them all. */
const maxLines = 20;
const periodMs = 10_000;

export class RefusalLog {
  readonly #log: Log;
  readonly #clock: Clock;
  #periodStartMs = 0;
  #lines = 0;

  constructor(log: Log, clock: Clock) {
    this.#log = log;
    this.#clock = clock;
  }

  refused(door: Door | "upstream", { reason, detail, peer }: RefusedPeer): void {
    const nowMs = this.#clock.nowMs();
    if (Math.abs(nowMs - this.#periodStartMs) >= periodMs) {
      if (this.#lines > maxLines)
        this.#log.warn("more peers were refused than the log tells", { count: this.#lines - maxLines });
      this.#periodStartMs = nowMs;
      this.#lines = 0;
    }
    this.#lines++;
    if (this.#lines > maxLines) return;
    const { hint } = reasons[reason];
    this.#log.warn("peer refused", {
      listener: door,
      reason,
      peer,
      detail: detail === "" ? undefined : detail,
      hint,
    });
  }
}
