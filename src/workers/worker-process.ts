/** One worker as its parent sees it: spawned, spoken with, and ended when it does not answer. */
import type { Clock, Log } from "../kernel/index.ts";
import type { AgentStatus } from "../proxy/index.ts";
import {
  type FromWorker,
  isFromWorker,
  type MeshWord,
  type Page,
  type Place,
  type Retirement,
  type ToWorker,
} from "./messages.ts";

/** A quarter of a second on a machine with nothing else to do; one that is overloaded must not be given more to do. */
const startTimeoutMs = 30_000;
/** A change takes milliseconds; a worker that takes this long is stuck in a loop. */
const liveTimeoutMs = 10_000;
/** Reading a page is nothing that a busy worker does at once, and a scrape must not wait for ever. */
const pageTimeoutMs = 2_000;

/** Emptying a queue takes a second and has its own bound, which is less. */
const retireTimeoutMs = 15_000;

export type LiveState = FromWorker & { readonly kind: "live" };

interface WorkerProcessEvents {
  onAvoid(message: FromWorker & { readonly kind: "avoid" }): void;
  onMeshWord(word: MeshWord): void;
  /** Exactly once. */
  onExit(description: string): void;
}

export interface WorkerProcessOptions {
  readonly index: number;
  readonly command: readonly string[];
  readonly clock: Clock;
  readonly log: Log;
  readonly events: WorkerProcessEvents;
}

export class WorkerProcess {
  readonly index: number;
  readonly startedMs: number;
  /** Of the last start or change; none: it does not serve yet. */
  live: LiveState | undefined;
  /** Its metrics when they were last asked for. */
  lastMetrics = "";
  readonly exited: Promise<void>;
  readonly #options: WorkerProcessOptions;
  readonly #child: Bun.Subprocess<"ignore", "inherit", "inherit">;
  readonly #hello = Promise.withResolvers<void>();
  readonly #questions = new Map<number, (text: string | undefined) => void>();
  /** Of a start or changes, in the order in which they were told. */
  readonly #awaitedLives: ((result: LiveState | string) => void)[] = [];
  #nextQuestion = 0;
  #hasExited = false;
  #hasDrained = false;

  constructor(options: WorkerProcessOptions) {
    this.#options = options;
    this.index = options.index;
    this.startedMs = options.clock.nowMs();
    this.#hello.promise.catch(() => {});
    this.#child = Bun.spawn([...options.command], {
      stdin: "ignore",
      stdout: "inherit",
      stderr: "inherit",
      serialization: "advanced",
      ipc: (message: unknown) => {
        if (isFromWorker(message)) this.#receive(message);
      },
    });
    this.exited = this.#child.exited.then(() => this.#onExit());
  }

  get pid(): number {
    return this.#child.pid;
  }

  get listeners(): readonly Place[] {
    return this.live?.listeners ?? [];
  }

  /** Resolves with what it serves then, or why it does not; after that it is ended. */
  async start(message: ToWorker & { readonly kind: "start" }): Promise<LiveState | string> {
    if (!(await this.greeted())) return this.#giveUp("it did not start");
    return await this.#untilLive(message);
  }

  /** False: it said nothing in time, or has ended. */
  async greeted(): Promise<boolean> {
    const greeting = this.#hello.promise.then(() => true);
    return (await this.#within(startTimeoutMs, greeting)) === true;
  }

  async commit(message: ToWorker & { readonly kind: "commit" }): Promise<LiveState | string> {
    return await this.#untilLive(message);
  }

  tell(message: ToWorker): void {
    // One that has drained has no channel any more, some time before it has ended.
    if (!this.#hasExited && !this.#hasDrained) this.#child.send(message);
  }

  /** Undefined: no answer in time. */
  ask(page: Page, status: AgentStatus | undefined): Promise<string | undefined> {
    return this.#question(pageTimeoutMs, (id) => ({ kind: "question", id, page, status }));
  }

  /** Resolves when its listener there is closed, with nothing lost. */
  async retire(retirement: Retirement): Promise<void> {
    await this.#question(retireTimeoutMs, (id) => ({ kind: "retire", id, retirement }));
  }

  #question(timeoutMs: number, message: (id: number) => ToWorker): Promise<string | undefined> {
    if (this.#hasExited || this.live === undefined) return Promise.resolve(undefined);
    const id = this.#nextQuestion++;
    return new Promise((resolve) => {
      const answer = (text: string | undefined): void => {
        timer.cancel();
        this.#questions.delete(id);
        resolve(text);
      };
      const timer = this.#options.clock.deadline(timeoutMs, () => answer(undefined));
      this.#questions.set(id, answer);
      this.tell(message(id));
    });
  }

  kill(): void {
    this.#child.kill("SIGKILL");
  }

  async #untilLive(message: ToWorker): Promise<LiveState | string> {
    const awaited = Promise.withResolvers<LiveState | string>();
    this.#awaitedLives.push(awaited.resolve);
    this.tell(message);
    const result = await this.#within(liveTimeoutMs, awaited.promise);
    if (result === undefined) return this.#giveUp("it does not answer");
    if (typeof result === "string") return this.#giveUp(result);
    this.live = result;
    return result;
  }

  #giveUp(why: string): string {
    this.kill();
    return why;
  }

  async #within<T>(timeoutMs: number, promise: Promise<T>): Promise<T | undefined> {
    const late = Promise.withResolvers<undefined>();
    const timer = this.#options.clock.deadline(timeoutMs, () => late.resolve(undefined));
    try {
      return await Promise.race([promise, late.promise, this.exited.then(() => undefined)]);
    } catch {
      return undefined;
    } finally {
      timer.cancel();
    }
  }

  #receive(message: FromWorker): void {
    switch (message.kind) {
      case "hello":
        this.#hello.resolve();
        break;
      case "failed":
        this.#awaitedLives.shift()?.(message.message);
        break;
      case "live":
        this.#awaitedLives.shift()?.(message);
        break;
      case "answer":
        this.#questions.get(message.id)?.(message.text);
        break;
      case "avoid":
        this.#options.events.onAvoid(message);
        break;
      case "drained":
        // Nothing that it said is left in the channel: it ends when the channel does.
        this.#hasDrained = true;
        this.#child.disconnect();
        break;
      case "lookup":
      case "prefetch":
      case "touched":
      case "report":
      case "tapped":
        this.#options.events.onMeshWord(message);
        break;
    }
  }

  #onExit(): void {
    this.#hasExited = true;
    this.live = undefined;
    for (const answer of [...this.#questions.values()]) answer(undefined);
    const { exitCode, signalCode } = this.#child;
    this.#options.events.onExit(signalCode === null ? `code ${exitCode}` : `signal ${signalCode}`);
  }
}
