/** Closes a listener of a shared port once nothing waits for it, so that no connection is reset and no question is without an answer. */
import { type Clock, systemClock } from "../kernel/index.ts";
import type { Listener } from "./listen.ts";

/**
 * A client whose handshake with us had begun when the steering changed still comes to us, and the kernel does not tell how
 * many do. One second is the time after which it repeats an unanswered step, so in good order they are all through.
 */
const defaultSettleMs = 1_000;
/** Something goes on sending us connections: the steering is not what the caller thinks it is. */
const defaultTimeoutMs = 10_000;
const pollMs = 10;

export interface RetireOptions {
  readonly clock?: Clock;
  readonly settleMs?: number;
  readonly timeoutMs?: number;
}

/**
 * To be called when new connections are steered elsewhere. Calls `done` when the listener has stopped accepting; false:
 * it was stopped at the timeout with connections still waiting, which were reset.
 */
export function retireListener(
  listener: Listener,
  options: RetireOptions,
  done: (isComplete: boolean) => void,
): void {
  const clock = options.clock ?? systemClock;
  const startMs = clock.monotonicUs() / 1000;
  const settleMs = options.settleMs ?? defaultSettleMs;
  const timeoutMs = options.timeoutMs ?? defaultTimeoutMs;
  const look = (): void => {
    const elapsedMs = clock.monotonicUs() / 1000 - startMs;
    const isEmpty = !listener.hasWaiting;
    if ((isEmpty && elapsedMs >= settleMs) || elapsedMs >= timeoutMs) {
      listener.stopAccepting();
      done(isEmpty);
    } else {
      clock.after(pollMs, look);
    }
  };
  look();
}
