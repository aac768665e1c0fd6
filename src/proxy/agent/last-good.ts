/**
 * The last good configuration on disk, so that the proxy starts and serves with the control plane down: every live
 * resource in the form in which it came.
 *
 * What is new may be lost at a crash and is asked for again. What was overruled may not come back: such a change is
 * written soon, and acknowledged once the disk does not say otherwise any more.
 */
import { rm } from "node:fs/promises";
import { readPrivateFileSync } from "../../identity/x509/index.ts";
import { type Clock, errorLine, type Log, type Timer } from "../../kernel/index.ts";
import { prepareResource, type Resource } from "./resource.ts";
import { type LiveState, StateFile } from "./state-file.ts";
import { decodeState } from "./state-records.ts";

export interface LastGood {
  readonly revision: number;
  readonly resources: readonly Resource[];
}

export interface LastGoodOptions {
  readonly path: string;
  readonly clock: Clock;
  readonly log: Log;
  /** What is live, at the time of writing. */
  readonly current: () => LiveState;
}

/** A burst of changes is one write. */
const gatherMs = 50;
/** Between writes; losing this much at a crash costs a few differences from the control plane. */
const minPauseMs = 1_000;
/** At most this share of the time goes into writing, however large the configuration and slow the disk. */
const maxWritingShare = 0.02;
/**
 * What was overruled waits this long: the change is in force, and its neighbours on the machine need the processor to follow. (Measured
 * with 50 on two cores: after 20 ms the last of them had an edit in 95 ms, after 60 in 60.)
 */
const overruledGatherMs = 60;
/** Between writes of it: of the event loop's time, which the encoding alone takes; */
const maxEncodingShare = 0.2;
/** but the next change waits no longer than this: it is sent once this one is acknowledged. */
const maxUrgentPauseMs = 100;

export class LastGoodFile {
  readonly #options: LastGoodOptions;
  readonly #file: StateFile;
  #timer: Timer | undefined;
  #writing: Promise<void> | undefined;
  #isStale = false;
  #isClosed = false;
  /** What is on disk was overruled; resolved when it is there no more. The second: by what is being written. */
  #overruled: PromiseWithResolvers<void> | undefined;
  #ending: PromiseWithResolvers<void> | undefined;
  /** Both in monotonic microseconds: a wall clock that is set back must not put off a write, nor its acknowledgement, by as much. */
  #nextWriteUs = 0;
  #nextUrgentWriteUs = 0;

  constructor(options: LastGoodOptions) {
    this.#options = options;
    this.#file = new StateFile(options.path);
  }

  /** Undefined where there is none, or none that can be used. */
  load(): LastGood | undefined {
    const { path, log } = this.#options;
    try {
      const bytes = readPrivateFileSync(path);
      return bytes === undefined ? undefined : this.#parse(bytes);
    } catch (error) {
      log.warn("the last good configuration cannot be read; starting without it", {
        path,
        error: errorLine(error),
      });
      return undefined;
    }
  }

  /** Something changed: write before long. */
  markStale(): void {
    if (this.#isClosed) return;
    this.#isStale = true;
    if (this.#timer !== undefined || this.#writing !== undefined) return;
    const [nextUs, atLeastMs] =
      this.#overruled === undefined
        ? [this.#nextWriteUs, gatherMs]
        : [this.#nextUrgentWriteUs, overruledGatherMs];
    const delayMs = Math.max(atLeastMs, (nextUs - this.#options.clock.monotonicUs()) / 1_000);
    this.#timer = this.#options.clock.after(delayMs, () => void this.flush());
  }

  /** What is on disk must not come back: write soon. */
  markOverruled(): void {
    if (this.#isClosed) return;
    if (this.#overruled === undefined) {
      this.#overruled = Promise.withResolvers();
      this.#timer?.cancel();
      this.#timer = undefined;
    }
    this.markStale();
  }

  /**
   * Resolves when nothing on disk was overruled by what was live at the call; undefined: nothing is. Where the file can
   * neither be written nor removed, that is logged and no reason to wait: a proxy that acknowledges nothing is sent nothing.
   */
  settled(): Promise<void> | undefined {
    return (this.#overruled ?? this.#ending)?.promise;
  }

  /** Resolves when what is live now is on disk, or could not be put there. */
  async flush(): Promise<void> {
    while (this.#writing !== undefined) await this.#writing;
    this.#timer?.cancel();
    this.#timer = undefined;
    if (!this.#isStale) return;
    this.#isStale = false;
    this.#writing = this.#write().finally(() => {
      this.#writing = undefined;
    });
    await this.#writing;
    if (this.#isStale) this.markStale();
  }

  /** What is on disk stays as it is: it is another process's, and so is what it says. */
  close(): void {
    this.#isClosed = true;
    this.#timer?.cancel();
    this.#timer = undefined;
    this.#isStale = false;
    this.#overruled?.resolve();
    this.#overruled = undefined;
    void Promise.resolve(this.#writing).then(() => this.#file.close());
  }

  async #write(): Promise<void> {
    const { clock, log, path } = this.#options;
    this.#ending = this.#overruled;
    this.#overruled = undefined;
    const startUs = clock.monotonicUs();
    let encodedUs = startUs;
    try {
      const written = this.#file.write(this.#options.current());
      encodedUs = clock.monotonicUs();
      await written;
    } catch (error) {
      log.warn("the last good configuration could not be written", { path, error: errorLine(error) });
      if (this.#ending !== undefined) await this.#remove();
    }
    const endedUs = clock.monotonicUs();
    this.#nextWriteUs = endedUs + Math.max(minPauseMs * 1_000, (endedUs - startUs) / maxWritingShare);
    this.#nextUrgentWriteUs =
      endedUs + Math.min(maxUrgentPauseMs * 1_000, (encodedUs - startUs) / maxEncodingShare);
    this.#ending?.resolve();
    this.#ending = undefined;
  }

  /** Better none than one that lets in whom it must not: a start without it waits for the control plane. */
  async #remove(): Promise<void> {
    const { log, path } = this.#options;
    try {
      await rm(path, { force: true });
    } catch (error) {
      log.error(
        "a configuration that was overruled stays on disk; a restart with no control plane brings it back",
        {
          path,
          error: errorLine(error),
        },
      );
    }
  }

  #parse(bytes: Uint8Array): LastGood | undefined {
    const { path, log } = this.#options;
    const stored = decodeState(bytes);
    if (stored === undefined) {
      log.warn("the last good configuration is damaged; starting without it", { path });
      return undefined;
    }
    const resources: Resource[] = [];
    for (const raw of stored.resources) {
      const { kind, name } = raw;
      try {
        resources.push(prepareResource(raw));
      } catch (error) {
        log.warn("a resource of the last good configuration cannot be used", {
          kind,
          name,
          error: errorLine(error),
        });
      }
    }
    return { revision: stored.revision, resources };
  }
}
