/** A connection to a host by its name: looked up, then its addresses are tried in turn, all within one timeout. */
import type { Clock } from "../../kernel/index.ts";
import { type ConnectFailure, Connection, type PendingConnect } from "../../net/index.ts";
import type { NameResolver } from "./name-resolver.ts";

export interface NamedTarget {
  readonly name: string;
  readonly timeoutMs: number;
  readonly resolver: Pick<NameResolver, "resolve">;
  readonly clock: Clock;
  /** In [0, 1). */
  readonly random: () => number;
  connect(
    address: string,
    timeoutMs: number,
    done: (result: Connection | ConnectFailure) => void,
  ): PendingConnect;
}

type Done = (result: Connection | ConnectFailure) => void;

/** Addresses that are tried for one connection. */
const maxTries = 3;

/** Calls `done` once unless cancelled, never before this returns. */
export function connectToName(target: NamedTarget, done: Done): PendingConnect {
  const attempt = new NamedConnect(target, done);
  attempt.start();
  return attempt;
}

class NamedConnect implements PendingConnect {
  readonly #target: NamedTarget;
  readonly #done: Done;
  readonly #deadlineMs: number;
  #cancelStep: () => void = () => {};
  #cancelTimer: () => void = () => {};
  #isOver = false;

  constructor(target: NamedTarget, done: Done) {
    this.#target = target;
    this.#done = done;
    this.#deadlineMs = target.clock.nowMs() + target.timeoutMs;
  }

  start(): void {
    const { name, timeoutMs, resolver, clock } = this.#target;
    const timer = clock.after(timeoutMs, () => {
      this.#cancelStep();
      this.#finish({ reason: "no_endpoint", detail: `${name} was not looked up within ${timeoutMs} ms` });
    });
    this.#cancelTimer = () => timer.cancel();
    let isStarting = true;
    const cancel = resolver.resolve(name, (result) => {
      const proceed = (): void => this.#onResolved(result);
      if (isStarting) queueMicrotask(proceed);
      else proceed();
    });
    isStarting = false;
    this.#cancelStep = cancel;
  }

  cancel(): void {
    this.#cancelStep();
    this.#end();
  }

  #onResolved(result: { readonly addresses: readonly string[] } | string): void {
    if (this.#isOver) return;
    this.#cancelTimer();
    if (typeof result === "string") {
      this.#finish({ reason: "no_endpoint", detail: result });
      return;
    }
    const { addresses } = result;
    // Anywhere but always onwards from there, so that all of them are used and none is tried twice.
    const start = Math.floor(this.#target.random() * addresses.length);
    this.#connect([...addresses.slice(start), ...addresses.slice(0, start)].slice(0, maxTries), undefined);
  }

  #connect([address, ...others]: readonly string[], failure: ConnectFailure | undefined): void {
    const leftMs = this.#deadlineMs - this.#target.clock.nowMs();
    if (address === undefined || (failure !== undefined && leftMs <= 0)) {
      this.#finish(failure ?? { reason: "no_endpoint", detail: `${this.#target.name} has no addresses` });
      return;
    }
    const timeoutMs = Math.max(1, Math.ceil(leftMs / (others.length + 1)));
    const pending = this.#target.connect(address, timeoutMs, (result) => {
      if (this.#isOver) {
        if (result instanceof Connection) result.terminate();
      } else if (result instanceof Connection) this.#finish(result);
      else this.#connect(others, result);
    });
    this.#cancelStep = () => pending.cancel();
  }

  #finish(result: Connection | ConnectFailure): void {
    if (this.#isOver) return;
    this.#end();
    this.#done(result);
  }

  #end(): void {
    this.#isOver = true;
    this.#cancelTimer();
  }
}
