/**
 * How one process of a proxy follows another in the same data directory: the lock, the place of the process before, and the next one's
 * question for ours.
 *
 *   enter -> (agreed with the process before) -> ours listen -> succeed -> allowNext -> … -> close
 */
import { type Clock, errorLine, type Log, WeftError } from "../kernel/index.ts";
import { HandOverServer, type HandOverSubject } from "./hand-over-server.ts";
import { InstanceDirectory } from "./instance-directory.ts";
import type { Place } from "./messages.ts";
import { TakeOver } from "./take-over.ts";

/** The process before gives its lock free just before it says so. */
const lockRetryMs = 20;
const maxLockTries = 100;
/** A control plane that is there answers within this; one that is not must not stop an upgrade. */
const catchUpTimeoutMs = 5_000;

export interface SuccessionOptions {
  readonly dataDir: string;
  /** Replace the process that has it; without one, start as ever. */
  readonly takesOver: boolean;
  readonly clock: Clock;
  readonly log: Log;
}

interface Following {
  readonly snapshot: { readonly revision: number };
  onSnapshot(listener: () => void): () => void;
}

export class Succession {
  /** Of the process before, while it is there. */
  takeOver: TakeOver | undefined;
  replacedPid: number | undefined;
  readonly #options: SuccessionOptions;
  readonly #directory: InstanceDirectory;
  #server: HandOverServer | undefined;

  private constructor(options: SuccessionOptions, directory: InstanceDirectory) {
    this.#options = options;
    this.#directory = directory;
  }

  /**
   * Undefined: the directory cannot hold a lock and a socket, and its process cannot be replaced without a loss. Throws `conflict`
   * where another process has it and is not to be, or cannot be, replaced.
   */
  static async enter(options: SuccessionOptions): Promise<Succession | undefined> {
    const directory = openDirectory(options);
    if (directory === undefined) return undefined;
    const succession = new Succession(options, directory);
    if (directory.tryLock()) return succession;
    if (!options.takesOver) {
      throw new WeftError("conflict", `another weft proxy runs with the data directory ${directory.path}`, {
        hint: "--takeover replaces it without losing a connection",
      });
    }
    succession.takeOver = await TakeOver.begin(directory, options.clock);
    return succession;
  }

  /** Ours is the configuration that the process before runs, or there is none newer to be had in time. */
  async caughtUp(agent: Following): Promise<void> {
    const revision = this.takeOver?.handed.revision ?? 0;
    if (agent.snapshot.revision >= revision) return;
    const done = Promise.withResolvers<void>();
    const timer = this.#options.clock.after(catchUpTimeoutMs, () => done.resolve());
    const stopWatching = agent.onSnapshot(() => {
      if (agent.snapshot.revision >= revision) done.resolve();
    });
    await done.promise;
    timer.cancel();
    stopWatching();
  }

  /** Ours listen. Resolves when the process before has closed its listeners, or is gone. Throws `conflict` or `unavailable`. */
  async succeed(kept: readonly Place[], count: number): Promise<void> {
    const { takeOver } = this;
    if (takeOver === undefined) return;
    try {
      await takeOver.complete(kept, count);
    } catch (error) {
      // Where it died, its place is ours all the same.
      if (!this.#directory.tryLock()) throw error;
      this.#options.log.warn("the process to take over from has ended", { error: errorLine(error) });
    }
    for (let tries = 0; !this.#directory.tryLock(); tries++) {
      if (tries === maxLockTries) throw new WeftError("conflict", "another process took the data directory");
      await new Promise<void>((resolve) => void this.#options.clock.after(lockRetryMs, resolve));
    }
    this.replacedPid = takeOver.pid;
    this.takeOver = undefined;
  }

  /** From now on another process may ask for ours. */
  allowNext(subject: Omit<HandOverSubject, "release"> & { release?: () => void }): void {
    const release = (): void => {
      subject.release?.();
      this.#directory.unlock();
    };
    this.#server = new HandOverServer(this.#directory, { ...subject, release }, this.#options.log);
  }

  close(): void {
    this.#server?.close();
    this.takeOver?.abort();
    this.takeOver = undefined;
    this.#directory.unlock();
  }
}

function openDirectory({ dataDir, takesOver, log }: SuccessionOptions): InstanceDirectory | undefined {
  try {
    return InstanceDirectory.open(dataDir);
  } catch (error) {
    if (takesOver) throw error;
    log.warn("this proxy cannot be replaced without losing connections", { error: errorLine(error) });
    return undefined;
  }
}
