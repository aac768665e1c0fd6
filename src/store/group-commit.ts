/**
 * Writes that are made and not yet on the disk. One flush of the disk, away from the event loop, serves all that were made
 * before it began; those that come meanwhile have the next. Each is applied and acknowledged after its flush, in order.
 *
 *   made -> waiting --flushed--> applied -> acknowledged
 *                  `--failed--> all that wait are refused, and whatever comes later
 */

interface Waiting<T> {
  readonly write: T;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
  readonly done: Promise<void>;
}

export interface GroupCommitOptions<T> {
  /** Resolves when all that was made before the call is on the disk. Absent: there is no disk. */
  readonly flush?: (() => Promise<void>) | undefined;
  /** Makes a write visible. Must not throw. */
  readonly apply: (write: T) => void;
  /** What the refused are told where the disk failed; called once. */
  readonly failed: (cause: unknown) => unknown;
}

export class GroupCommit<T> {
  readonly #options: GroupCommitOptions<T>;
  #waiting: Waiting<T>[] = [];
  #isFlushing = false;

  constructor(options: GroupCommitOptions<T>) {
    this.#options = options;
  }

  /** Call it in the step that made the write, so that order here is order there. Rejects with what `failed` gives. */
  add(write: T): Promise<void> {
    const { flush, apply } = this.#options;
    if (flush === undefined) {
      apply(write);
      return Promise.resolve();
    }
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.#waiting.push({ write, resolve, reject, done: promise });
    if (!this.#isFlushing) void this.#run(flush);
    return promise;
  }

  /** Resolves when all that waits now is on the disk. */
  async settled(): Promise<void> {
    await this.#waiting.at(-1)?.done;
  }

  /** Somebody else has brought everything to the disk. */
  settleAll(): void {
    this.#settle(this.#waiting.splice(0));
  }

  /** None of what waits may count as made. */
  refuseAll(cause: unknown): void {
    const refused = this.#waiting.splice(0);
    if (refused.length === 0) return;
    const error = this.#options.failed(cause);
    for (const { reject } of refused) reject(error);
  }

  async #run(flush: () => Promise<void>): Promise<void> {
    this.#isFlushing = true;
    while (this.#waiting.length > 0) {
      const last = this.#waiting.at(-1);
      try {
        await flush();
      } catch (cause) {
        this.refuseAll(cause);
        break;
      }
      // All up to the newest of when the flush began, unless they were settled meanwhile.
      const end = last === undefined ? 0 : this.#waiting.indexOf(last) + 1;
      this.#settle(this.#waiting.splice(0, end));
    }
    this.#isFlushing = false;
  }

  #settle(writes: readonly Waiting<T>[]): void {
    for (const { write } of writes) this.#options.apply(write);
    for (const { resolve } of writes) resolve();
  }
}
