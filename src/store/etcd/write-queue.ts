/** Writes of one replica, one after another. When one finds that etcd is away, those that waited behind it need not find out too. */
import { type Clock, WeftError } from "../../kernel/index.ts";

/** Each may hold a whole apply. Beyond it etcd is far too slow for this mesh. */
const maxWaiting = 1_000;

export class WriteQueue {
  readonly #clock: Clock;
  #last: Promise<unknown> = Promise.resolve();
  #waiting = 0;
  #failure: { readonly atUs: number; readonly error: WeftError } | undefined;
  #isClosed = false;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Throws `exhausted` where too many wait. */
  async add<T>(work: () => Promise<T>): Promise<T> {
    if (this.#isClosed) throw new WeftError("unavailable", "the store is closed");
    if (this.#waiting >= maxWaiting) {
      throw new WeftError("exhausted", `${maxWaiting} writes wait for etcd; nothing was written`, {
        hint: "is etcd slow? look at its disk",
      });
    }
    const sinceUs = this.#clock.monotonicUs();
    this.#waiting++;
    const run = this.#last.then(() => this.#run(work, sinceUs)).finally(() => void this.#waiting--);
    this.#last = run.catch(() => {});
    return await run;
  }

  /** Resolves when all that waits now is done. */
  async idle(): Promise<void> {
    await this.#last;
  }

  close(): void {
    this.#isClosed = true;
  }

  async #run<T>(work: () => Promise<T>, sinceUs: number): Promise<T> {
    const failure = this.#failure;
    if (failure !== undefined && sinceUs <= failure.atUs) throw failure.error;
    try {
      return await work();
    } catch (error) {
      if (error instanceof WeftError && error.code === "unavailable" && error.fields["outcome"] === undefined)
        this.#failure = { atUs: this.#clock.monotonicUs(), error };
      throw error;
    }
  }
}
